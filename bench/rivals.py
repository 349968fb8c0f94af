"""Other servers and engines, from the registries that have them, in their own folder. Starts none.

Those from PyPI are pinned by version, those from Maven Central by their digests; of Virtuoso it is
what Debian has, and apt checks it.
"""

import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from bench.graphs import CACHE

_FOLDER: Final = CACHE / "rivals"
_PYTHON: Final = ("oxigraph==0.5.13", "rdflib-endpoint[web,cli]==0.6.3")
_SHACL: Final = ("shacl==0.3.4", "pyshacl-turbo==0.6.5", "rdflib==7.6.0", "pyparsing==3.3.3")
_MAVEN_PLUGIN: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:"
_FUSEKI: Final = "org.apache.jena:jena-fuseki-server:5.6.0"
_FUSEKI_DIGEST: Final = "d28c1eaf703122ee628895a460c20fa4aa60a892f435d403ea8c036f241da1f8"
# With all that it needs. The digest is of the names of all archives, each behind its own digest.
_RDF4J: Final = "5.2.2"
_RDF4J_PARTS: Final = (
    *("rdf4j-shacl", "rdf4j-sail-memory", "rdf4j-repository-sail"),
    *("rdf4j-rio-ntriples", "rdf4j-rio-turtle"),
)
_RDF4J_DIGEST: Final = "cc02f2ca1d83d3d121bacbfb521443ead48284c82c9ddacd8586339fbef6b7f7"
_MAVEN_COPY_ALL: Final = _MAVEN_PLUGIN + "copy-dependencies"
_MAVEN_COPY: Final = _MAVEN_PLUGIN + "copy"
_VIRTUOSO: Final = ("virtuoso-opensource-7-bin", "libpcre3")


class Missing(Exception):
    """A server or engine cannot be had here; says what was tried."""


def command(name: str) -> Path:
    """Return a command of a server from PyPI; all of them are installed at first."""
    return _had("python", _PYTHON, _install_from_pypi) / "bin" / name


def shacl_python() -> Path:
    """Return a Python that has the SHACL engines from PyPI that are written in Rust."""
    return _had("shacl", _SHACL, _install_from_pypi) / "bin" / "python"


def fuseki() -> Path:
    """Return the archive of Apache Jena Fuseki, which Java runs.

    Apache Jena itself is in it, with its SHACL.

    Raises:
        Missing: there is no Java, or Maven gave no such archive.
    """
    _, name, version = _FUSEKI.split(":")
    return _had("fuseki", [_FUSEKI], _install_fuseki) / f"{name}-{version}.jar"


def rdf4j() -> str:
    """Return the class path of RDF4J with its ShaclSail.

    Raises:
        Missing: there is no Java, or Maven gave other archives.
    """
    return f"{_had('rdf4j', [f'RDF4J {_RDF4J}'], _install_rdf4j)}/*"


def virtuoso() -> Path:
    """Return the folder of Virtuoso: Debian's packages, unpacked and not installed.

    Raises:
        Missing: this is no Debian that has them, or a library is missing.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise Missing("Virtuoso is taken from Debian's packages (apt-get, dpkg).")
    return _had("virtuoso", _VIRTUOSO, _install_virtuoso)


def _had(name: str, parts: Sequence[str], install: Callable[[Path, Sequence[str]], None]) -> Path:
    """Return a folder of its own for something; it is filled anew where it holds another."""
    folder = (_FOLDER / name).resolve()
    what, mark = " ".join(parts), folder / "made"
    if not mark.exists() or mark.read_text() != what:
        print(f"-- Fetching {what} into {_FOLDER / name}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install(folder, parts)
        mark.write_text(what)
    return folder


def _install_from_pypi(folder: Path, parts: Sequence[str]) -> None:
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--disable-pip-version-check", *parts], check=True)


def _install_fuseki(folder: Path, _parts: Sequence[str]) -> None:
    options = (f"-Dartifact={_FUSEKI}", f"-DoutputDirectory={folder}")
    told = _maven(_MAVEN_COPY, *options)
    for archive in folder.glob("*.jar"):
        if sha256(archive.read_bytes()).hexdigest() == _FUSEKI_DIGEST:
            return
    raise Missing(f"Maven gave no {_FUSEKI} with the digest that is written here. {told}")


def _install_rdf4j(folder: Path, _parts: Sequence[str]) -> None:
    asked = "".join(
        f"<dependency><groupId>org.eclipse.rdf4j</groupId><artifactId>{part}</artifactId>"
        f"<version>{_RDF4J}</version></dependency>"
        for part in _RDF4J_PARTS
    )
    # What else these need Maven tells only of a project.
    project = folder / "pom.xml"
    project.write_text(
        "<project><modelVersion>4.0.0</modelVersion><groupId>bench</groupId>"
        "<artifactId>bench</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{asked}</dependencies></project>"
    )
    told = _maven(_MAVEN_COPY_ALL, "-f", str(project), f"-DoutputDirectory={folder}")
    archives = sorted(folder.glob("*.jar"))
    listed = (f"{sha256(a.read_bytes()).hexdigest()} {a.name}\n" for a in archives)
    if sha256("".join(listed).encode()).hexdigest() != _RDF4J_DIGEST:
        raise Missing(
            f"Maven gave no RDF4J {_RDF4J} whose archives have the digest that is written here. "
            f"{told}"
        )


def _maven(goal: str, *options: str) -> str:
    if shutil.which("java") is None or shutil.which("mvn") is None:
        raise Missing("Apache Jena and RDF4J take Java 17 and Maven (java, mvn on the path).")
    return _run("mvn", "-q", "-B", "-C", goal, *options)


def _install_virtuoso(folder: Path, parts: Sequence[str]) -> None:
    told = _run("apt-get", "-q", "download", *parts, folder=folder)
    for package in folder.glob("*.deb"):
        _run("dpkg", "-x", str(package), str(folder))
    if not (folder / "usr" / "bin" / "virtuoso-t").exists():
        raise Missing(f"apt-get download gave no Virtuoso (run apt-get update first). {told}")


def _run(*words: str, folder: Path | None = None) -> str:
    told = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    return (told.stdout + told.stderr).strip()[-500:]
