"""What a git repository holds, at a commit or in its folder. Changes nothing, fetches nothing.

Git itself is asked, by commands that read objects only: no hook, filter or work tree takes part.
"""

import os
import posixpath
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from competency_graph import rdf
from competency_graph.documents import Document
from competency_graph.errors import TooLarge, UnreadableInput

# Files and executable files; links and submodules are somewhere else's content.
# What git tells its hooks of the repository that they run in; here the folder decides.
_OF_A_HOOK: Final = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"})
_FILES: Final = (b"100644", b"100755")


def documents_at(
    revision: str, *, paths: Sequence[str] = (), most: int, folder: str = "."
) -> list[Document]:
    """Return the RDF files of a commit, by name.

    Args:
        revision: what git takes for a commit: a branch, a tag, a hash, ``HEAD~2``.
        paths: files and folders as seen from ``folder``; without any, the whole commit.
        most: how many bytes one file may have.
        folder: where in the repository to ask.

    Raises:
        UnreadableInput: there is no git, no repository, or no such commit.
        TooLarge: a file has more bytes than that.
    """
    commit = _commit(revision, folder)
    wanted = [path for path in _from_root(paths, folder) if path]
    listed = _git(folder, "ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--", *wanted)
    found: list[tuple[str, bytes, rdf.Syntax]] = []
    for entry in listed.split(b"\0")[:-1]:
        facts, _, path = entry.partition(b"\t")
        mode, _, name, size = facts.split()
        shown = path.decode("utf-8", "surrogateescape")
        syntax = rdf.syntax_of_file(shown)
        if mode not in _FILES or syntax is None:
            continue
        if int(size) > most:
            raise TooLarge(
                f"{revision}:{shown}: The file has {int(size) / 1e6:.1f} MB, and at most "
                f"{most / 1e6:g} MB are read. Split it, or raise the setting MAX_BODY.",
                file=shown,
            )
        found.append((shown, name, syntax))
    contents = _contents([name for _, name, _ in found], folder)
    return [
        Document(name=f"{revision}:{path}", content=content, syntax=syntax)
        for (path, _, syntax), content in zip(found, contents, strict=True)
        if content.strip()
    ]


def is_commit(revision: str, folder: str = ".") -> bool:
    """Say whether git knows a commit by this name."""
    try:
        _commit(revision, folder)
    except UnreadableInput:
        return False
    return True


def top_of(folder: str = ".") -> str:
    """Return the folder that a repository begins at.

    Raises:
        UnreadableInput: there is no git, or no repository.
    """
    return os.path.realpath(_git(folder, "rev-parse", "--show-toplevel").decode().rstrip("\n"))


def files_in(folder: str) -> list[str]:
    """Return the names of the RDF files of a folder and those below it, sorted.

    In a git repository they are those that git tracks or would: what it ignores is left out.
    Elsewhere folders whose names begin with a dot are.
    """
    try:
        told = _git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = [os.fsdecode(name) for name in set(told.split(b"\0")[:-1])]
    except UnreadableInput:
        names = list(_walked(folder))
    paths = (os.path.normpath(os.path.join(folder, name)) for name in names)
    return sorted(p for p in paths if rdf.syntax_of_file(p) is not None and Path(p).is_file())


def _walked(folder: str) -> Iterator[str]:
    for above, inner, files in os.walk(folder):
        inner[:] = [name for name in inner if not name.startswith(".")]
        yield from (os.path.relpath(os.path.join(above, file), folder) for file in files)


def _commit(revision: str, folder: str) -> str:
    try:
        return (
            _git(folder, "rev-parse", "--verify", "--end-of-options", revision + "^{commit}")
            .decode()
            .strip()
        )
    except UnreadableInput as error:
        if "not a git repository" in error.detail:
            raise
        raise UnreadableInput(
            f"There is no revision “{revision}” in this repository. `git log --oneline` and `git "
            "tag` list those there are; a shallow copy has few of them (git fetch --unshallow)."
        ) from None


def _from_root(paths: Iterable[str], folder: str) -> list[str]:
    """Return paths as seen from the top of the repository; an empty one is the top itself."""
    found = []
    top = top_of(folder)
    for path in paths:
        whole = os.path.normpath(os.path.join(os.path.realpath(folder), path))
        inner = os.path.relpath(whole, top)
        if inner.split(os.sep)[0] == os.pardir:
            raise UnreadableInput(f"{path} is not in the git repository {top}.")
        found.append("" if inner == os.curdir else posixpath.join(*inner.split(os.sep)))
    return [] if "" in found else found


def _contents(names: Sequence[bytes], folder: str) -> list[bytes]:
    told = _git(folder, "cat-file", "--batch", given=b"".join(name + b"\n" for name in names))
    found, at = [], 0
    for _ in names:
        end = told.index(b"\n", at)
        size = int(told[at:end].rsplit(b" ", 1)[1])
        found.append(told[end + 1 : end + 1 + size])
        at = end + size + 2
    return found


def _git(folder: str, *arguments: str, given: bytes = b"") -> bytes:
    environment = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    # Nothing is written beside reading, and what a partial clone lacks is not fetched.
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    command = ["git", "--no-pager", "-c", "core.fsmonitor=false", "-C", folder, *arguments]
    try:
        done = subprocess.run(
            command, input=given, capture_output=True, env=environment, check=False
        )
    except FileNotFoundError:
        raise UnreadableInput("git is not installed here, and revisions are read by it.") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().split("\n")[0]
        raise UnreadableInput(
            f"git cannot read this: {said.removeprefix('fatal: ') or 'it failed'}."
        )
    return done.stdout
