"""The yardstick: a Flask handler that answers a constant, under the same server."""

import sys
from typing import Any

from flask import Flask, Response
from gunicorn.app.base import BaseApplication


def create_app() -> Flask:
    """Return an application with one path."""
    app = Flask("bare")
    body = b"x" * 1000

    @app.get("/")
    def constant() -> Response:
        return Response(body, mimetype="application/json")

    return app


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
    def load_config(self) -> None:
        """Set what the service sets."""
        for name, value in {
            "bind": f"fd://{sys.argv[1]}",
            "workers": int(sys.argv[2]),
            "worker_class": "gevent",
            "loglevel": "warning",
            "control_socket_disable": True,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Make the application."""
        return create_app()


if __name__ == "__main__":
    _Server().run()
