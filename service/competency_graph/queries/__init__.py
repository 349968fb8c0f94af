"""Our own questions to the graph, one a file. Builds none from strings."""

from functools import cache
from importlib.resources import files


@cache
def text(name: str) -> str:
    """Return the text of the query file ``<name>.rq``.

    Raises:
        FileNotFoundError: no such question; a fault of the caller.
    """
    return files(__package__).joinpath(f"{name}.rq").read_text(encoding="utf-8")
