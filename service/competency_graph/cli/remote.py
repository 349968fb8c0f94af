"""A running service as a writer meets it: changes sent, jobs followed. Reads no RDF."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from competency_graph import errors
from competency_graph.errors import BadRequest, CompetencyGraphError, Unauthorised, Unavailable
from competency_graph.model import Operation
from competency_graph.rdf import SYNTAXES

_LONG: Final = 600.0
_LOOK_AGAIN: Final = 0.5

Report = Callable[[int, str], None]
"""Is told how far the work is, in percent, and what is being done."""


class _Refused(CompetencyGraphError):
    """The service answered with an error of no class that we know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A running service and the token that it knows one by."""

    url: str
    token: str | None

    def change(
        self, operation: Operation, parameters: Mapping[str, str], report: Report
    ) -> dict[str, Any]:
        """Have a change done that replaces graphs, wait for it, and return the service's answer.

        Raises:
            Unavailable: nobody answers there.
            CompetencyGraphError: it refused; class, sentence and facts are its own.
        """
        asked = dict(parameters)
        if operation.graph is not None:
            asked["graph"] = operation.graph
        syntax = next(s for s in SYNTAXES if s.name == operation.syntax)
        path = f"/graphs?{urllib.parse.urlencode(asked)}"
        status, headers, told = self._call("PUT", path, operation.content, syntax.media_type)
        if status != 202:
            return told
        return self._follow(headers["Location"], told, report)

    def _follow(self, job: str, told: dict[str, Any], report: Report) -> dict[str, Any]:
        """Wait for a job; where the person interrupts that, cancel it."""
        try:
            while told["ended"] is None:
                report(told["percentage"], told["stage"] or "waiting for its turn")
                time.sleep(_LOOK_AGAIN)
                _, _, told = self._call("GET", job)
        except KeyboardInterrupt:
            _, _, told = self._call("DELETE", job)
        if told["state"] == "failed":
            raise _error(told["result"], told["result"]["detail"])
        if told["state"] == "cancelled":
            raise BadRequest("The import was cancelled; nothing was changed.")
        result: dict[str, Any] = told["result"]
        return result

    def _call(
        self, method: str, path: str, body: bytes | None = None, media_type: str | None = None
    ) -> tuple[int, Mapping[str, str], dict[str, Any]]:
        if urllib.parse.urlsplit(self.url).scheme not in ("http", "https"):
            raise BadRequest(f"{self.url} is not an http or https address.")
        headers = {"Accept": "application/json"}
        if media_type is not None:
            headers["Content-Type"] = media_type
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        address = self.url.rstrip("/") + path
        request = urllib.request.Request(address, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=_LONG) as answer:
                return answer.status, answer.headers, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                content = error.read()
            sentence = f"{self.url} answered {error.code} {error.reason}."
            raise _error(_body(content), sentence) from None
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            said = getattr(reason, "strerror", None) or reason
            raise Unavailable(
                f"Nobody answers at {self.url}: {said}. Start the service, or correct the address."
            ) from None


def _body(content: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(content)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _error(body: Mapping[str, Any], otherwise: str) -> CompetencyGraphError:
    """Return the error that a problem body tells, of the class that has its code."""
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    known = (
        k for k in classes if issubclass(k, CompetencyGraphError) and k.code == body.get("code")
    )
    kind = next(known, _Refused)
    told = {"type", "title", "status", "detail", "code"}
    error = kind.__new__(kind)
    facts = {name: value for name, value in body.items() if name not in told}
    CompetencyGraphError.__init__(error, body.get("detail", otherwise), **facts)
    if kind is Unauthorised:
        error.detail = (
            error.detail.rstrip(".") + ". Give it with --token, or in COMPETENCY_GRAPH_TOKEN."
        )
    return error
