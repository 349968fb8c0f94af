"""A verdict as one HTML file that needs no other: to open, to print, to send."""

from base64 import b64encode
from dataclasses import asdict
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from competency_graph.model import Verdict, finding_json
from competency_graph.reports.text import summary


def render(verdict: Verdict) -> str:
    """Return a verdict as a page; its own script and style are all that it lets run."""
    environment = Environment(
        loader=PackageLoader("competency_graph", "reports"),
        autoescape=select_autoescape(),
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(local=_safe, interface="en")
    style = _file("report.css") + _file("findings.css")
    script = _file("findings.js")
    parts = (
        ("New" if verdict.fixed or verdict.standing else "Found", verdict.findings),
        ("Mended", verdict.fixed),
        ("There before", verdict.standing),
    )
    groups = [(title, [finding_json(asdict(f)) for f in found]) for title, found in parts]
    return environment.get_template("report.html").render(
        groups=groups,
        rows=[row for _, rows in groups for row in rows],
        notes=verdict.notes,
        summary=summary(verdict),
        style=Markup(style),
        script=Markup(script),
        style_digest=_digest(style),
        script_digest=_digest(script),
    )


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _safe(address: str) -> str:
    return address if address.startswith(("https://", "http://")) else ""
