"""The start of the service step by step, each part in a fresh process. Started by `costs`."""

# What each part imports is in its price: imports stand where they are paid.
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

_began = 0.0


def _lap(name: str) -> None:
    global _began
    now = time.monotonic()
    print(f"{name}\t{now - _began}")
    _began = now


def _supervisor(_database: str) -> None:
    import competency_graph.cli
    import competency_graph.machine  # noqa: F401

    _lap("interpreter and imports")


def _keeper(database: str) -> None:
    import competency_graph.keeping  # noqa: F401
    import pyoxigraph as ox
    from competency_graph.index import Graph
    from competency_graph.log import Log

    _lap("interpreter and imports")
    with Log.open(f"sqlite:///{database}") as log:
        blocks = list(log.content_blocks())
    _lap("log opened, read and unpacked")
    for _, block in blocks:
        for _quad in ox.parse(block, ox.RdfFormat.N_QUADS):
            pass
    _lap("parsing alone, through Python")
    Graph(union=False).load(blocks)
    _lap("graph loaded without the union, parsing included")
    Graph(union=True).load(blocks)
    _lap("graph loaded with the union")


def _web(_database: str) -> None:
    from competency_graph.config import Settings
    from competency_graph.index import BOARD, Board
    from competency_graph.web.__main__ import main  # noqa: F401
    from competency_graph.web.app import create_app

    _lap("interpreter and imports")
    with TemporaryDirectory() as folder:
        Board.create(Path(folder) / BOARD)
        create_app(Settings(), Path(folder))
    _lap("application made")


if __name__ == "__main__":
    part, where, began = sys.argv[1:]
    _began = float(began)
    {"supervisor": _supervisor, "keeper": _keeper, "web": _web}[part](where)
