"""A language server: what editors ask of a workspace over the Language Server Protocol 3.17.

Reads no RDF itself, judges nothing, and writes no file: the editor does.
"""

from competency_graph.lsp.serving import serve

__all__ = ["serve"]
