"""The service or the bare handler under another worker class of gunicorn. Started by `workers`.

`serve` is the supervisor; three arguments are those of a web process (`competency_graph.web`); one
is the listening descriptor of the bare handler. `BENCH_WORKER_CLASS` names the class.
"""

import os
import sys
from typing import Any

from competency_graph import cli, machine
from competency_graph.web import __main__ as web

from bench.bare import create_app

WORKER_CLASS = "BENCH_WORKER_CLASS"
# More than there are slow clients, for the class that has them.
_THREADS = 40


class _Other(web._Server):
    def load_config(self) -> None:
        """Take the service's own options, and then this class."""
        super().load_config()
        kind = os.environ[WORKER_CLASS]
        self.cfg.set("worker_class", kind)
        if kind == "gthread":
            self.cfg.set("threads", _THREADS)


class _Bare(_Other):
    def load(self) -> Any:
        """Make the bare application instead of the service's."""
        return create_app()


def main(arguments: list[str]) -> None:
    """Be what the arguments say."""
    if arguments == ["serve"]:
        start = machine._start

        def start_other(
            folder: Any, environment: Any, module: str, *inherited: int, **more: str
        ) -> Any:
            module = "bench.other_workers" if module == "competency_graph.web" else module
            return start(folder, environment, module, *inherited, **more)

        machine._start = start_other
        cli.main(["serve"])
        return
    web._Server = _Bare if len(arguments) == 1 else _Other  # type: ignore[misc]
    web.main(arguments if len(arguments) == 3 else ["", *arguments, ""])


if __name__ == "__main__":
    main(sys.argv[1:])
