"""A browser without script: cookies, and forms filled and submitted as HTML has it (4.10.22)."""

import http.client
import re
import urllib.parse
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

from conftest import Reply, Service
from page_addresses import BROWSER

File = tuple[str, str, bytes]
"""A field, the name of the file in it, and what that holds."""


def multipart(fields: Iterable[tuple[str, str]], files: Iterable[File]) -> tuple[str, bytes]:
    """Return the media type and the body of a form with files (RFC 7578)."""
    mark = uuid.uuid4().hex
    parts = [
        f'Content-Disposition: form-data; name="{name}"; filename="{file}"\r\n\r\n'.encode()
        + content
        for name, file, content in files
    ] + [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in fields
    ]
    body = b"".join(f"--{mark}\r\n".encode() + part + b"\r\n" for part in parts)
    return f"multipart/form-data; boundary={mark}", body + f"--{mark}--\r\n".encode()


class Form(HTMLParser):
    """A form of a page with what stands in its fields, wherever on the page they are."""

    def __init__(self, markup: str, name: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: list[tuple[str, str]] = []
        self.buttons: list[tuple[str, str, str]] = []
        self._name = name
        self._inside = False
        self._open: tuple[str, str, str | None] | None = None
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = said.get("id") == self._name
            self.action = said["action"] if self._inside else self.action
        elif tag == "option" and self._open and self._open[0] == "select":
            if self._open[2] is None or "selected" in said:
                self._open = ("select", self._open[1], said["value"])
        elif said.get("form", self._name if self._inside else "") != self._name:
            return
        elif tag == "input" and said.get("type") != "file":
            self.fields.append((said["name"], said.get("value", "")))
        elif tag == "select":
            self._open = (tag, said["name"], None)
        elif tag == "textarea":
            self._open = (tag, said["name"], "")
        elif tag == "button":
            self.buttons.append((said.get("name", ""), said.get("value", ""), ""))
            self._open = (tag, "", "")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[0] in ("textarea", "button"):
            self._open = (*self._open[:2], (self._open[2] or "") + data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        if self._open is None or self._open[0] != tag:
            return
        words = self._open[2] or ""
        if tag == "button":
            self.buttons[-1] = (*self.buttons[-1][:2], words.strip())
        else:
            self.fields.append((self._open[1], words.removeprefix("\n")))
        self._open = None

    def said(self, name: str) -> list[str]:
        """Return what stands in the fields of a name."""
        return [value for field, value in self.fields if field == name]


@dataclass
class Browser:
    """What a browser does with cookies and forms; follows no redirect."""

    service: Service
    cookies: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    language: str = "en"

    def ask(
        self,
        method: str,
        path: str,
        fields: Mapping[str, str] | None = None,
        body: tuple[str, bytes] | None = None,
        **more: str,
    ) -> Reply:
        """Send a request: with fields as a form without files, or with a media type and a body."""
        if fields is not None:
            encoded = urllib.parse.urlencode(fields).encode()
            body = ("application/x-www-form-urlencoded", encoded)
        headers = {"Accept": BROWSER, "Accept-Language": self.language}
        headers |= {k.replace("_", "-"): v for k, v in more.items()}
        if body is not None:
            headers["Content-Type"] = body[0]
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        connection = http.client.HTTPConnection(
            self.service.url.removeprefix("http://"), timeout=60
        )
        connection.request(method, path, body and body[1], headers)
        answer = connection.getresponse()
        reply = Reply(answer.status, dict(answer.getheaders()), answer.read())
        for set_cookie in answer.msg.get_all("Set-Cookie") or []:
            self.said.append(set_cookie)
            name, _, value = set_cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
            if "Max-Age=0" in set_cookie:
                del self.cookies[name]
        connection.close()
        return reply

    def submit(
        self,
        page: str,
        name: str,
        button: str | None = None,
        files: Iterable[File] = (),
        filled: Mapping[str, str] | None = None,
    ) -> Reply:
        """Submit a form of a page by the button with these words, else by its default button.

        ``filled`` is put into the last field of its name each.
        """
        form = Form(page, name)
        pressed = [b for b in form.buttons if button is None or b[2] == button]
        assert pressed, f"There is no button “{button}”, but {[b[2] for b in form.buttons]}."
        fields = list(form.fields)
        for field_, value in (filled or {}).items():
            place = max(n for n, (other, _) in enumerate(fields) if other == field_)
            fields[place] = (field_, value)
        if pressed[0][0]:
            fields.append(pressed[0][:2])
        sent = [(n, re.sub("\r\n|\r|\n", "\r\n", value)) for n, value in fields]
        path, _, _ = form.action.partition("#")
        return self.ask("POST", path, body=multipart(sent, files))

    def key(self, path: str, action: str) -> str:
        """Return what the form with this action on a page must send back."""
        page = self.ask("GET", path).body.decode()
        form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.DOTALL)
        assert form, page
        found = re.search(r'name="key" value="([^"]+)"', form[0])
        assert found
        return found[1]

    def sign_in(self, token: str, back: str = "/ns") -> Reply:
        """Sign in with a token."""
        key = self.key("/sign-in", "/sign-in")
        return self.ask("POST", "/sign-in", {"key": key, "token": token, "back": back})
