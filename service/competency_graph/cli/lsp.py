"""`lsp`: what an editor starts to be told of faults, names and repairs while somebody types."""

import os

import click

from competency_graph.config import Settings


@click.command(epilog="Example: competency-graph lsp ontology")
@click.argument("folders", nargs=-1, metavar="[FOLDER…]")
def lsp(folders: tuple[str, ...]) -> None:
    """Serve an editor, which starts this itself, over standard input and output.

    It speaks the Language Server Protocol for Turtle and TriG. FOLDER is a folder of the workspace
    whose files belong together (default: all of the workspace); other files are judged each on its
    own, together with those.
    Exit code 0: the editor left; 1: it left without saying so.
    """
    # The protocol and its types take a while to load, which other commands need not wait for.
    from competency_graph.lsp import serve

    serve(Settings.load(os.environ), folders)
