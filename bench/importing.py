"""`python -m bench.importing`: look-ups while 100,000 statements are imported, beside idle ones."""

import http.client
import json
import re
import subprocess
import sys
import tempfile
import time
from statistics import median, quantiles

_LABEL = "http://www.w3.org/2004/02/skos/core#prefLabel"
_STATEMENTS = 100_000
_SECONDS = 3.0


def _ask(host: str, method: str, path: str, body: bytes | None = None, token: str = "") -> bytes:
    connection = http.client.HTTPConnection(host, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/n-quads"}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status in (200, 202), content
    return content


def _look_up(host: str, number: int) -> float:
    """Return how many milliseconds one look-up takes that no cache holds."""
    began = time.perf_counter()
    _ask(host, "GET", f"/api/v1/levels/3-competent?lang=x-{number}")
    return (time.perf_counter() - began) * 1000


def _told(name: str, times: list[float]) -> float:
    p95 = quantiles(times, n=20)[-1]
    print(
        f"{name:<10} {len(times):>6} look-ups   median {median(times):6.2f} ms   p95 {p95:6.2f} ms"
    )
    return median(times)


def main() -> None:
    """Print both rows and how many times slower the second is."""
    body = "".join(
        f'<https://example.org/{n}> <{_LABEL}> "Thing {n}"@en <https://example.org/graph> .\n'
        for n in range(_STATEMENTS)
    ).encode()
    program = [sys.executable, "-m", "competency_graph"]
    with tempfile.TemporaryDirectory() as folder:
        serving = subprocess.Popen(
            [*program, "serve", "--bind", "127.0.0.1:0"],
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert serving.stderr is not None
            found = None
            while found is None:
                found = re.search(r"at http://(\S+)/", serving.stderr.readline())
            host = found[1]
            make = [*program, "token", "create", "bench", "--role", "maintainer"]
            made = subprocess.run(make, cwd=folder, capture_output=True, text=True, check=True)
            token = made.stdout.strip()
            idle: list[float] = []
            until = time.monotonic() + _SECONDS
            while time.monotonic() < until:
                idle.append(_look_up(host, len(idle)))
            job = json.loads(_ask(host, "PUT", "/graphs?validate=false", body, token))
            busy: list[float] = []
            began = time.monotonic()
            while job["ended"] is None:
                first = len(idle) + len(busy)
                busy += [_look_up(host, first + n) for n in range(20)]
                job = json.loads(_ask(host, "GET", job["id"], token=token))
            assert job["state"] == "done", job
            seconds = time.monotonic() - began
        finally:
            serving.terminate()
            serving.wait()
    slower = _told("importing", busy) / _told("idle", idle)
    print(
        f"{_STATEMENTS:,} statements in {seconds:.1f} s; look-ups {slower:.1f} times idle (limit 3)"
    )


if __name__ == "__main__":
    main()
