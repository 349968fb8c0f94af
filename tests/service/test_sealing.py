"""Whether the readers are sealed is said at start and in /readyz, and true."""

import platform
import re
import sys
from pathlib import Path

import pytest
from competency_graph.index import fork
from conftest import Service, start_service

# Runs the rest of its command line where the kernel grants no filter (prctl, seccomp), as some
# containers do.
_WITHOUT = """
import ctypes, os, sys
from competency_graph.index import fork
calls = {"x86_64": (157, 317), "aarch64": (167, 277)}[os.uname().machine]
program = fork._filter(fork._DENIED[os.uname().machine][0], calls)
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""

linux = pytest.mark.skipif(
    platform.machine() not in fork._DENIED or sys.platform != "linux",
    reason="seals are known for Linux on x86_64 and aarch64",
)


@linux
def test_readers_are_sealed_and_it_is_said(service: Service) -> None:
    assert service.get("/readyz").json()["sealed"] is True
    assert not [line for line in service.said if "seccomp" in line]
    for number in service.readers()[1:]:
        status = Path(f"/proc/{number}/status").read_text(encoding="ascii")
        mode = re.search(r"^Seccomp:\s*(\d)", status, re.MULTILINE)
        assert mode is not None
        assert mode[1] == "2", "A reader runs without a filter."


@linux
def test_where_the_system_refuses_the_seal_the_start_says_so(tmp_path: Path) -> None:
    running = start_service(tmp_path, before=("-c", _WITHOUT), seed="none")
    try:
        assert running.get("/readyz").json()["sealed"] is False
        assert running.process.stderr is not None
        assert "without a second wall" in running.process.stderr.readline()
        assert running.query("ASK {}").status == 200
        refused = running.query("ASK { SERVICE SILENT <http://127.0.0.1:9/> {} }")
        assert refused.status == 400
    finally:
        assert running.stop() == 0
