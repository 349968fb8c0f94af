"""What the kernel says of processes: memory, and which part of the service each is."""

import os
import time
from collections import Counter
from pathlib import Path

# Of processor time, in seconds.
_LITTLE = 0.05


def memory(pid: int, figure: str = "Pss") -> int:
    """Return a figure of ``smaps_rollup`` in bytes: ``Pss``, ``Rss``, ``Private_Dirty``.

    It is 0 if the process ended.
    """
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(figure + ":"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def of_service(folder: Path) -> dict[int, str]:
    """Return the processes that were started with this folder in their environment, by part.

    A process that nobody waits for any more counts as well: it is found by what it was started
    with, not by its parent.
    """
    found: dict[int, tuple[str, int, int]] = {}
    for entry in Path("/proc").iterdir():
        try:
            pid = int(entry.name)
            environment = (entry / "environ").read_bytes()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if str(folder).encode() in environment:
            found[pid] = (command, int(fields[1]), int(fields[16]))
    return {pid: _part(pid, found) for pid in sorted(found)}


def _part(pid: int, found: dict[int, tuple[str, int, int]]) -> str:
    command, parent, nice = found[pid]
    if "competency_graph.keeping" in command:
        if "competency_graph.keeping" not in found.get(parent, ("",))[0]:
            return "keeper"
        # The forks in which changes are tried give way as well, but less than strangers' queries.
        behind = nice - found[parent][2]
        return "query reader" if behind > 5 else "fork for changes" if behind else "look-up reader"
    if "competency_graph.gating" in command:
        return "gate"
    if _is_web(command):
        below = _is_web(found.get(parent, ("",))[0])
        return "web worker" if below else "web master"
    return "supervisor"


def _is_web(command: str) -> bool:
    other = "bench.other_workers" in command and "serve" not in command
    return other or "competency_graph.web" in command


def seconds(folder: Path, part: str) -> float:
    """Return the processor time that the processes of a part have taken so far."""
    return sum(_taken(pid) for pid, name in of_service(folder).items() if name == part)


def at_rest(pid: int) -> bool:
    """Say whether a process takes no processor time to speak of in a quarter of a second."""
    before = _taken(pid)
    time.sleep(0.25)
    return _taken(pid) - before < _LITTLE


def _taken(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def by_part(folder: Path, figure: str = "Pss") -> dict[str, int]:
    """Return a figure of each part (:func:`memory`), the name told with how many processes."""
    found = of_service(folder)
    number = Counter(found.values())
    sums: Counter[str] = Counter()
    for pid, name in found.items():
        sums[f"{name} × {number[name]}"] += memory(pid, figure)
    return dict(sums)


def of_machine(folder: Path) -> int:
    """Return the sum of the proportional set sizes of all processes of a service."""
    return sum(memory(pid) for pid in of_service(folder))
