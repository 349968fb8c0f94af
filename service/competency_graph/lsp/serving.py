"""The processes of the language server: the one that the editor speaks to, and the desk."""

import logging
import os
import socket
import sys
from collections.abc import Sequence

from pygls.exceptions import JsonRpcException

from competency_graph.config import Settings
from competency_graph.lsp.features import install
from competency_graph.lsp.server import Server
from competency_graph.workspace import desk


def _is_no_refusal(record: logging.LogRecord) -> bool:
    return record.exc_info is None or not isinstance(record.exc_info[1], JsonRpcException)


def serve(settings: Settings, paths: Sequence[str]) -> None:
    """Serve one editor over standard input and output until it leaves.

    Args:
        settings: for what one text may take.
        paths: folders of the workspace whose files belong together; nothing for all of it.
    """
    ours, theirs = socket.socketpair()
    # Before there is any thread: what parses forks.
    if os.fork() == 0:
        code = 1
        try:
            ours.close()
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, sys.stdin.fileno())
            os.dup2(nothing, sys.stdout.fileno())
            memory = settings.query_memory * 4
            limits = desk.Limits(seconds=settings.validation_timeout, memory=memory)
            desk.run(theirs.fileno(), limits)
            code = 0
        finally:
            os._exit(code)
    theirs.close()
    # What is refused is told to the editor; with a trace of the stack it would fill its log.
    logging.getLogger("pygls.protocol.json_rpc").addFilter(_is_no_refusal)
    server = Server(ours, settings, paths)
    install(server)
    server.start_io()
