"""The yardstick: a Flask handler that answers a constant, under the very server of the service."""

import sys
from typing import Any

from competency_graph.web import __main__ as web
from flask import Flask, Response


def create_app() -> Flask:
    """Return an application with one path."""
    app = Flask("bare")
    body = b"x" * 1000

    @app.get("/")
    def constant() -> Response:
        return Response(body, mimetype="application/json")

    return app


class _Bare(web._Server):
    def load(self) -> Any:
        """Make the bare application instead of the service's."""
        return create_app()


if __name__ == "__main__":
    # The service's own main with its own settings of gunicorn, so that they cannot come to differ.
    web._Server = _Bare  # type: ignore[misc]
    web.main(["", sys.argv[1], ""])
