"""Other servers, from the registries that have them, kept in their own folder. Starts none.

Those from PyPI are pinned by version, Fuseki by its digest; of Virtuoso it is what Debian has, and
apt checks it.
"""

import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

from bench.graphs import CACHE

_FOLDER: Final = CACHE / "rivals"
_PYTHON: Final = ("oxigraph==0.5.13", "rdflib-endpoint[web,cli]==0.6.3")
_FUSEKI: Final = "org.apache.jena:jena-fuseki-server:5.6.0"
_FUSEKI_DIGEST: Final = "d28c1eaf703122ee628895a460c20fa4aa60a892f435d403ea8c036f241da1f8"
_MAVEN_COPY: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
_VIRTUOSO: Final = ("virtuoso-opensource-7-bin", "libpcre3")


class Missing(Exception):
    """A server cannot be had here; says what was tried."""


def command(name: str) -> Path:
    """Return a command of a server from PyPI; all of them are installed at first."""
    return _had("python", " ".join(_PYTHON), _install_python) / "bin" / name


def fuseki() -> Path:
    """Return the archive of Apache Jena Fuseki, which Java runs.

    Raises:
        Missing: there is no Java, or Maven gave no such archive.
    """
    if shutil.which("java") is None or shutil.which("mvn") is None:
        raise Missing("Apache Jena Fuseki takes Java 17 and Maven (java, mvn on the path).")
    _, name, version = _FUSEKI.split(":")
    return _had("fuseki", _FUSEKI, _install_fuseki) / f"{name}-{version}.jar"


def virtuoso() -> Path:
    """Return the folder of Virtuoso: Debian's packages, unpacked and not installed.

    Raises:
        Missing: this is no Debian that has them, or a library is missing.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise Missing("Virtuoso is taken from Debian's packages (apt-get, dpkg).")
    return _had("virtuoso", " ".join(_VIRTUOSO), _install_virtuoso)


def _had(name: str, what: str, install: Callable[[Path], None]) -> Path:
    """Return the folder of a server; it is filled anew where it holds something else."""
    folder = (_FOLDER / name).resolve()
    mark = folder / "made"
    if not mark.exists() or mark.read_text() != what:
        print(f"-- Fetching {what} into {_FOLDER / name}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install(folder)
        mark.write_text(what)
    return folder


def _install_python(folder: Path) -> None:
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--disable-pip-version-check", *_PYTHON], check=True)


def _install_fuseki(folder: Path) -> None:
    options = (f"-Dartifact={_FUSEKI}", f"-DoutputDirectory={folder}")
    told = _run("mvn", "-q", "-B", "-C", _MAVEN_COPY, *options)
    for archive in folder.glob("*.jar"):
        if sha256(archive.read_bytes()).hexdigest() == _FUSEKI_DIGEST:
            return
    raise Missing(f"Maven gave no {_FUSEKI} with the digest that is written here. {told}")


def _install_virtuoso(folder: Path) -> None:
    told = _run("apt-get", "-q", "download", *_VIRTUOSO, folder=folder)
    for package in folder.glob("*.deb"):
        _run("dpkg", "-x", str(package), str(folder))
    if not (folder / "usr" / "bin" / "virtuoso-t").exists():
        raise Missing(f"apt-get download gave no Virtuoso (run apt-get update first). {told}")


def _run(*words: str, folder: Path | None = None) -> str:
    told = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    return (told.stdout + told.stderr).strip()[-500:]
