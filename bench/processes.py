"""What the kernel says of processes: memory, and which part of the service each is."""

import os
from collections import Counter
from pathlib import Path


def memory(pid: int, figure: str = "Pss") -> int:
    """Return a figure of ``smaps_rollup`` (``Pss``, ``Rss``) in bytes; 0 if the process ended."""
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
        return "query reader" if nice > 0 else "look-up reader"
    if _is_web(command):
        below = _is_web(found.get(parent, ("",))[0])
        return "web worker" if below else "web master"
    return "supervisor"


def _is_web(command: str) -> bool:
    other = "bench.other_workers" in command and "serve" not in command
    return other or "competency_graph.web" in command


def seconds(folder: Path, part: str) -> float:
    """Return the processor time that the processes of a part have taken so far."""
    ticks = 0
    for pid, name in of_service(folder).items():
        if name == part:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def by_part(folder: Path) -> dict[str, int]:
    """Return the proportional set size of each part, the name told with how many processes."""
    found = of_service(folder)
    number = Counter(found.values())
    sums: Counter[str] = Counter()
    for pid, name in found.items():
        sums[f"{name} × {number[name]}"] += memory(pid)
    return dict(sums)


def of_machine(folder: Path) -> int:
    """Return the sum of the proportional set sizes of all processes of a service."""
    return sum(memory(pid) for pid in of_service(folder))
