"""The web processes: gunicorn around the Flask application. Started by `machine`, not by hand."""

import os
import resource
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from competency_graph.config import Settings
from competency_graph.index import die_with_parent
from competency_graph.web.connections import (
    CONNECTIONS,
    HEAD_SECONDS,
    LONGEST_LINE,
    worker_class,
)
from competency_graph.web.counts import Counts
from competency_graph.web.metrics import FIGURES, Metrics


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
    # Beside its connections a process has those to readers open, and files that it sends.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # A worker that is to end may still be there beside its successor.
    columns = range(2 * settings.workers)
    counts = Counts(len(columns), FIGURES)

    def choose(arbiter: Any, worker: Any) -> None:
        taken = {other.column for other in arbiter.WORKERS.values()}
        worker.column = min(set(columns) - taken, default=columns[-1])

    def make() -> Any:
        # After gevent has patched the sockets: the client must wait the cooperative way.
        from competency_graph.web.app import create_app
        from competency_graph.web.cache import Cache
        from competency_graph.web.limits import admission

        metrics = Metrics(counts)
        app = create_app(settings, Path(folder), metrics)
        if not settings.public_read:
            # The cache knows nobody, and would answer everybody.
            return metrics.watching(app)
        board = app.extensions["client"].board
        return metrics.watching(Cache(app, lambda: board.revision, admission(app)))

    _Server(
        {
            "bind": f"fd://{listening}",
            "workers": settings.workers,
            "worker_class": worker_class(settings.trusted_proxies),
            "worker_connections": CONNECTIONS,
            "pre_fork": choose,
            "post_fork": lambda _, worker: counts.take(worker.column),
            "child_exit": lambda _, worker: counts.leave(worker.column),
            "timeout": 60,
            "graceful_timeout": 3,
            # Also the time that the head of a request may take.
            "keepalive": HEAD_SECONDS,
            "limit_request_line": LONGEST_LINE,
            "limit_request_field_size": LONGEST_LINE,
            "loglevel": "warning",
            "control_socket_disable": True,
            "forwarded_allow_ips": "",
        },
        make,
    ).run()


if __name__ == "__main__":
    main(sys.argv[1:])
