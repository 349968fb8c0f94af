"""`check`: all that a repository with a framework wants checked, in one command."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from competency_graph import git, reports
from competency_graph.checking import judge_all
from competency_graph.cli import editing
from competency_graph.cli.comparing import compare_sides, paint
from competency_graph.cli.reading import write_file
from competency_graph.config import Settings
from competency_graph.diff import Side
from competency_graph.diff.reports import Format, render
from competency_graph.documents import Document, read_documents
from competency_graph.errors import BadRequest, LimitReached, UnreadableInput
from competency_graph.model import Verdict

_ENDINGS: Final[dict[str, Format]] = {
    ".md": "markdown",
    ".html": "html",
    ".json": "json",
    ".txt": "text",
}


@click.command(epilog="Example: competency-graph check framework/ --base origin/main")
@click.argument("paths", nargs=-1, metavar="[PATH…]")
@click.option(
    "--base",
    metavar="REF",
    help="Also compare with this git revision, and ask for the version that follows.",
)
@click.option(
    "--report",
    "reports_",
    multiple=True,
    metavar="FILE",
    help="With --base, also write the comparison here, as the ending says: .md .html .json .txt.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "github"]),
    default="text",
    help="How findings are told: for people, or as annotations of GitHub Actions.",
)
@click.pass_context
def check(
    context: click.Context,
    paths: tuple[str, ...],
    base: str | None,
    reports_: tuple[str, ...],
    format_: reports.Format,
) -> None:
    """Check a repository: its files, their form, and the version that its changes ask for.

    PATH is a file or a folder (default: this one); of a folder in git, what git does not ignore.
    The data are judged by the rules that ship and by shapes among the files. With --base, what
    changed since REF is told, with its impact, and a declared version (owl:versionInfo) that is
    too small fails. REF is read by git; your files stay as they are.
    Exit code 0: all is well; 1: a violation, a file that fmt would change, or a version that is
    too small; 2: there is no verdict, because a file or REF cannot be used.
    """
    settings = Settings.load(os.environ)
    wanted = _formats(reports_, base)
    # First, for what is not in the repository is not worth reading.
    old = None if base is None else _at(base, paths, settings.max_body)
    documents = _documents(paths or (".",), settings.max_body)
    verdict = _judged(documents, settings)
    click.echo(reports.render(verdict, format_, paint=editing.paint))
    unformed = list(_unformed(documents, settings.max_body))
    for sentence in unformed:
        click.echo(sentence)
    faults = 0
    if old is not None:
        new = Side(name="your files", documents=tuple(documents))
        comparison = compare_sides(old, new, settings)
        click.echo()
        click.echo(render(comparison, "text", paint=paint))
        if comparison.impact and not any(s.before or s.after for s in comparison.versions):
            click.echo("No version is declared (owl:versionInfo), so none was checked.")
        for name, ending in wanted.items():
            write_file(name, render(comparison, ending).encode() + b"\n")
        faults = sum(bool(step.fault) for step in comparison.versions)
    context.exit(1 if verdict.fails("violation") or unformed or faults else 0)


def _formats(names: Sequence[str], base: str | None) -> dict[str, Format]:
    """Return the format of each report, by the ending of its name.

    Raises:
        BadRequest: an ending says nothing, or there is nothing to compare with.
    """
    if names and base is None:
        raise BadRequest("--report writes what differs from --base. Give --base REF as well.")
    found: dict[str, Format] = {}
    for name in names:
        format_ = _ENDINGS.get(Path(name).suffix)
        if format_ is None:
            raise BadRequest(f"{name}: Name it with one of {', '.join(_ENDINGS)}.")
        found[name] = format_
    return found


def _documents(paths: Sequence[str], most: int) -> list[Document]:
    """Return the files that are checked.

    Raises:
        UnreadableInput: some cannot be read, or there are none.
    """
    names = [
        name for path in paths for name in (git.files_in(path) if Path(path).is_dir() else [path])
    ]
    if not names:
        where = "this folder" if list(paths) == ["."] else ", ".join(paths)
        raise UnreadableInput(f"There is no RDF file in {where}. Name where the files are.")
    return read_documents(names, most=most)


def _judged(documents: Sequence[Document], settings: Settings) -> Verdict:
    try:
        return judge_all(
            documents, seconds=settings.validation_timeout, memory=settings.query_memory * 4
        )
    except LimitReached as reached:
        # Exit code 1 would say that something was found.
        raise UnreadableInput(reached.detail) from None


def _unformed(documents: Sequence[Document], most: int) -> Iterator[str]:
    """Yield a sentence for each Turtle file that is not in the canonical form."""
    for document in documents:
        if document.syntax.name != "turtle":
            continue
        try:
            before, after = editing.canonical(document.name, most)
        except UnreadableInput as error:
            yield error.detail
            continue
        if before != after:
            name = document.name
            yield f"{name} is not in the canonical form. Run: competency-graph fmt {name}"


def _at(base: str, paths: Sequence[str], most: int) -> Side:
    found = git.documents_at(base, paths=paths or (".",), most=most)
    return Side(name=base, documents=tuple(found))
