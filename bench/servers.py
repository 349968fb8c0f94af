"""Servers that are measured, each started for a while and stopped again. Measures nothing."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from bench import rivals
from bench.load import Address

VIRTUOSO_GRAPH = "urn:bench"
# Of Java, which takes what it may have; as much as Virtuoso's buffers have.
_HEAP = "4g"
_VIRTUOSO_SETTINGS = """
[Database]
DatabaseFile = {folder}/virtuoso.db
ErrorLogFile = {folder}/virtuoso.log
LockFile = {folder}/virtuoso.lck
TransactionFile = {folder}/virtuoso.trx
xa_persistent_file = {folder}/virtuoso.pxa
[TempDatabase]
DatabaseFile = {folder}/temporary.db
TransactionFile = {folder}/temporary.trx
[Parameters]
ServerPort = {database}
DisableUnixSocket = 1
DirsAllowed = /
NumberOfBuffers = 500000
MaxDirtyBuffers = 375000
ServerThreads = 100
CheckpointInterval = 0
[HTTPServer]
ServerPort = {web}
ServerRoot = {folder}
ServerThreads = 60
MaxClientConnections = 60
MaxKeepAlives = 60
KeepAliveTimeout = 60
[SPARQL]
MaxQueryExecutionTime = {seconds}
"""
_LOADING = 1800.0


def say(text: str) -> None:
    """Tell the person who waits, on standard error."""
    print(f"-- {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that answers: where, and how long that took from the start of its process."""

    name: str
    address: Address
    folder: Path
    seconds: float = 0.0
    pid: int = 0


@contextmanager
def service(
    database: Path, *, worker_class: str | None = None, **settings: str
) -> Iterator[Running]:
    """Run the service on a database, with settings by name in lower case.

    It has its own worker class of gunicorn, unless another is named.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        environment = _plain_environment()
        # One client asks for all that is measured.
        settings = {"rate_limit": "off", "client_queries": "off"} | settings
        environment |= {f"COMPETENCY_GRAPH_{k.upper()}": v for k, v in settings.items()}
        environment |= {
            "COMPETENCY_GRAPH_DATABASE": f"sqlite:///{database}",
            "COMPETENCY_GRAPH_BIND": "127.0.0.1:0",
            "BENCH_FOLDER": name,
        }
        module = "competency_graph"
        if worker_class is not None:
            module = "bench.other_workers"
            environment |= {
                "BENCH_WORKER_CLASS": worker_class,
                "PYTHONPATH": str(Path(__file__).parents[1]),
            }
        command = [sys.executable, "-m", module, "serve"]
        with (
            open(folder / "said", "wb") as said,
            _process(command, cwd=folder, env=environment, stderr=said) as process,
        ):
            began = time.monotonic()
            found = None
            while found is None:
                told = (folder / "said").read_text()
                found = re.search(r"at http://([\d.]+):(\d+)/", told)
                # A web process that cannot start is started again and again.
                if process.poll() is not None or "Traceback" in told:
                    raise RuntimeError(f"The service did not start: {told}")
                time.sleep(0.005)
            seconds = time.monotonic() - began
            yield Running(
                name="this service",
                address=(found[1], int(found[2])),
                folder=folder,
                seconds=seconds,
            )


def token(database: Path) -> str:
    """Return a token for somebody who may change all data, made as an operator makes it."""
    told = ["token", "create", "bench", "--role", "maintainer"]
    command = [sys.executable, "-m", "competency_graph", *told]
    command += ["--database", f"sqlite:///{database}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def bare(worker_class: str | None = None) -> Iterator[Running]:
    """Run the bare Flask handler under the server that the service runs under.

    Likewise with another worker class, if one is named.
    """
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        socket.create_server(("127.0.0.1", 0), backlog=1024) as listening,
    ):
        descriptor = listening.fileno()
        address = listening.getsockname()[:2]
        module = "bench.bare" if worker_class is None else "bench.other_workers"
        command = [sys.executable, "-m", module, str(descriptor)]
        environment = _plain_environment() | {
            "BENCH_WORKER_CLASS": worker_class or "",
            "BENCH_FOLDER": name,
        }
        with _process(command, pass_fds=[descriptor], env=environment) as process:
            _wait(process, address)
            yield Running(name="bare Flask handler", address=address, folder=Path(name))


@contextmanager
def oxigraph(data: Path) -> Iterator[Running]:
    """Run `oxigraph serve` in memory, with the data posted to it.

    Of quads the default graph is the union.
    """
    address = _free()
    command = [str(rivals.command("oxigraph")), "serve"]
    command += ["--bind", f"{address[0]}:{address[1]}"]
    # Triples are posted to the default graph itself.
    kind, where = "application/n-triples", "/store?default"
    if data.suffix == ".nq":
        command.append("--union-default-graph")
        kind, where = "application/n-quads", "/store?no_transaction"
    with _process(command, stderr=subprocess.DEVNULL) as process:
        _wait(process, address)
        connection = http.client.HTTPConnection(*address, timeout=_LOADING)
        with open(data, "rb") as file:
            connection.request(
                "POST",
                where,
                file,
                {"Content-Type": kind, "Content-Length": str(data.stat().st_size)},
            )
            answer = connection.getresponse()
            told = answer.read()
        connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"oxigraph took no data: {told[:300]!r}")
        yield Running(name="oxigraph serve", address=address, folder=Path(), pid=process.pid)


@contextmanager
def rdflib_endpoint(data: Path) -> Iterator[Running]:
    """Run `rdflib-endpoint serve` on the data, with its default store."""
    address = _free()
    command = [str(rivals.command("rdflib-endpoint")), "serve", str(data)]
    command += ["--host", address[0], "--port", str(address[1])]
    with _process(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _wait(process, address)
        yield Running(name="rdflib-endpoint", address=address, folder=Path(), pid=process.pid)


@contextmanager
def fuseki(triples: Path, *options: str) -> Iterator[Running]:
    """Run Apache Jena Fuseki in memory on triples; its dataset is `/ds`.

    Raises:
        Missing: it cannot be had here.
    """
    archive, address = rivals.fuseki(), _free()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        command = ["java", f"-Xmx{_HEAP}", "-jar", str(archive), "--quiet", "--localhost", *options]
        command += [f"--port={address[1]}", "--update", f"--file={triples}", "/ds"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with _process(command, cwd=name, **quiet) as process:
            _wait(process, address)
            yield Running(name="Fuseki", address=address, folder=Path(), pid=process.pid)


@contextmanager
def virtuoso(triples: Path, *, seconds: int) -> Iterator[Running]:
    """Run Virtuoso on triples in one graph, beside its own. It is asked at `/sparql`.

    ``seconds`` is how long it may work on a query. Anybody may update.

    Raises:
        Missing: it cannot be had here.
    """
    unpacked, address, database = rivals.virtuoso(), _free(), _free()
    libraries = os.pathsep.join(str(file.parent) for file in unpacked.rglob("libpcre.so.3"))
    environment = os.environ | {"LD_LIBRARY_PATH": libraries}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        (folder / "virtuoso.ini").write_text(
            _VIRTUOSO_SETTINGS.format(
                folder=name,
                database=f"{database[0]}:{database[1]}",
                web=f"{address[0]}:{address[1]}",
                seconds=seconds,
            )
        )
        command = [str(unpacked / "usr" / "bin" / "virtuoso-t"), "+foreground"]
        command += ["+configfile", "virtuoso.ini"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with _process(command, cwd=folder, env=environment, **quiet) as process:
            _wait(process, address)
            loading = (
                f"ld_dir('{triples.parent}', '{triples.name}', '{VIRTUOSO_GRAPH}');\n"
                'rdf_loader_run();\nGRANT SPARQL_UPDATE TO "SPARQL";\ncheckpoint;\n'
            )
            isql = [str(unpacked / "usr" / "bin" / "isql-vt"), str(database[1]), "dba", "dba"]
            subprocess.run(
                isql, input=loading, env=environment, capture_output=True, text=True, check=True
            )
            yield Running(name="Virtuoso", address=address, folder=Path(), pid=process.pid)


@contextmanager
def raw_store(data: Path) -> Iterator[tuple[int, float, float]]:
    """Load the data into a bare store in a fresh process that then waits.

    Yields its process id, the seconds of `bulk_load` alone, and those from its start.
    """
    code = (
        "import sys, time, pyoxigraph as ox\n"
        "store = ox.Store()\n"
        "began = time.monotonic()\n"
        "store.bulk_load(path=sys.argv[1], format=ox.RdfFormat.N_QUADS)\n"
        "print(time.monotonic() - began, flush=True)\n"
        "sys.stdin.read()\n"
    )
    began = time.monotonic()
    with _process(
        [sys.executable, "-c", code, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        loading = float(process.stdout.readline())
        yield process.pid, loading, time.monotonic() - began


def _plain_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("COMPETENCY_GRAPH_")}


@contextmanager
def _process(command: list[str], **options: Any) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        pipes: list[IO[bytes] | None] = [process.stdin, process.stdout]
        for pipe in pipes:
            if pipe is not None:
                pipe.close()


def _wait(process: "subprocess.Popen[bytes]", address: Address) -> None:
    """Wait until something answers any request at an address."""
    deadline = time.monotonic() + _LOADING
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}.")
        connection = http.client.HTTPConnection(*address, timeout=60)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        finally:
            connection.close()
    raise RuntimeError(f"{process.args!r} does not answer.")


def _free() -> Address:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host, port = listening.getsockname()[:2]
        return host, port
