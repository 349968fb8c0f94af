"""The web processes: gunicorn around the Flask application. Started by `machine`, not by hand."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from competency_graph.config import Settings
from competency_graph.index import die_with_parent


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
    def __init__(self, options: dict[str, Any], make: Callable[[], Any]) -> None:
        self._options = options
        self._make = make
        super().__init__()

    def load_config(self) -> None:
        """Hand our options to gunicorn; it reads no file of its own."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Make the application, once in each worker."""
        return self._make()


def main(arguments: Sequence[str]) -> None:
    """Serve; ``arguments`` are the run folder, the listening descriptor and the lifeline."""
    folder, listening, _lifeline = arguments
    die_with_parent()
    settings = Settings.load(os.environ)

    def make() -> Any:
        # After gevent has patched the sockets: the client must wait the cooperative way.
        from competency_graph.web.app import create_app
        from competency_graph.web.cache import Cache

        app = create_app(settings, Path(folder))
        if not settings.public_read:
            # It knows nobody, and would answer everybody.
            return app
        board = app.extensions["client"].board
        return Cache(app, lambda: board.revision)

    _Server(
        {
            "bind": f"fd://{listening}",
            "workers": settings.workers,
            "worker_class": "gevent",
            "worker_connections": 1000,
            "timeout": 60,
            "graceful_timeout": 3,
            "keepalive": 15,
            "limit_request_line": 8190,
            "loglevel": "warning",
            "control_socket_disable": True,
            "forwarded_allow_ips": "",
        },
        make,
    ).run()


if __name__ == "__main__":
    main(sys.argv[1:])
