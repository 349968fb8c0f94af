"""Work that is done in forks of this process, so that what it changes is lost with them."""

import gc
import json
import os
import traceback
from collections.abc import Callable, Sequence
from typing import Any


def in_fork(work: Callable[[], Any]) -> Any:
    """Return what is said by something that is done in a fork; it goes through JSON."""
    (told,) = in_forks([work])
    return told


def in_forks(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Return what each says that is done in a fork of its own, all at once.

    Raises:
        RuntimeError: a fork ended without an answer.
    """
    ends = [_started(work) for work in works]
    told = []
    for child, reading in ends:
        with os.fdopen(reading) as answer:
            text = answer.read()
        os.waitpid(child, 0)
        if not text:
            raise RuntimeError("A fork ended without an answer; what it wrote says why.")
        told.append(json.loads(text))
    return told


def _started(work: Callable[[], Any]) -> tuple[int, int]:
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    gc.disable()
    try:
        with os.fdopen(writing, "w") as answer:
            json.dump(work(), answer)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)
