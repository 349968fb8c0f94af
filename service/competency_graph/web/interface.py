"""The language of the interface: the pages' fixed words, names of languages, dates. No data.

English is written in the templates; each other language is a file `messages/<language>.po`.
"""

import re
from datetime import date, datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Any, Final
from urllib.parse import urlencode

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import current_app, has_request_context, request
from flask.sansio.app import App

from competency_graph.web.api import languages
from competency_graph.web.reading import REVISION, past
from competency_graph.words import short_name

_MESSAGES: Final = files(__package__).joinpath("messages")
# Paths that answer from the data, and so of any revision.
_OF_DATA: Final = re.compile(r"/($|[?#]|(id|ns|shapes)\b|(ontology|graph|api/v1)/)")


@cache
def interface_languages() -> tuple[str, ...]:
    """Return the languages that the pages speak, the one in the templates first."""
    found = (file.name.removesuffix(".po") for file in _MESSAGES.iterdir())
    return ("en", *sorted(found))


def interface_language() -> str:
    """Return the first language of the client's that the pages speak, else English."""
    for tag in languages():
        primary = tag.split("-")[0].lower()
        if primary in interface_languages():
            return primary
    return "en"


@cache
def messages(language: str) -> NullTranslations:
    """Return the fixed words in a language of the interface."""
    if language == "en":
        return NullTranslations()
    with _MESSAGES.joinpath(f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def kept(path: str) -> str:
    """Return the address of a path of ours, in the language that the address of this page names.

    Where that names a revision, a path of data is of the same.
    """
    if not has_request_context():
        return path
    more = {"lang": request.args["lang"]} if "lang" in request.args else {}
    if (read := past()) is not None and _OF_DATA.match(path):
        more[REVISION] = str(read["revision"])
    if not more:
        return path
    path, mark, fragment = path.partition("#")
    joint = "&" if "?" in path else "?"
    return path + joint + urlencode(more) + mark + fragment


def present() -> str:
    """Return this address without its revision: the page as it is now."""
    return "?" + urlencode([pair for pair in request.args.items(multi=True) if pair[0] != REVISION])


def here() -> str:
    """Return the path and query of this page, to come back to; what it was sent is gone then."""
    paths = current_app.create_url_adapter(request)
    if request.method not in ("GET", "HEAD") and not (paths and paths.test(method="GET")):
        return "/"
    query = request.query_string.decode("ascii", "replace")
    return request.path + (f"?{query}" if query else "")


def _switches() -> list[dict[str, Any]]:
    """Return each language, what it calls itself, and this address in it.

    Only the query is written: a path such as ``//elsewhere`` would lead off this host.
    """
    rest = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return [
        {
            "language": language,
            "name": Locale(language).get_language_name(language),
            "address": "?" + urlencode([*rest, ("lang", language)]),
        }
        for language in interface_languages()
    ]


def language_name(tag: str) -> str:
    """Return what the interface calls a language; the tag where it has no name for it."""
    try:
        name = Locale.parse(tag, sep="-").get_display_name(interface_language())
    except (UnknownLocaleError, ValueError):
        name = None
    return name or tag


def spoken(value: dict[str, Any]) -> str:
    """Return a value as people read it: dates in words, truth as yes or no, all else as it is."""
    text: str = value["text"]
    language = interface_language()
    locale = "en_GB" if language == "en" else language
    say = messages(language).gettext
    try:
        match value.get("datatype"):
            case "date":
                return format_date(date.fromisoformat(text), "long", locale=locale)
            case "dateTime":
                return format_datetime(datetime.fromisoformat(text), "long", locale=locale)
            case "boolean":
                return {"true": say("yes"), "false": say("no")}.get(text, text)
    except ValueError:  # a date of another calendar or range than Python's
        pass
    return text


def install(app: App) -> None:
    """Give the templates of an application the words of the interface."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    for extension in ("i18n", "do"):
        app.jinja_env.add_extension(f"jinja2.ext.{extension}")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: messages(interface_language()).gettext(text),
        lambda one, many, n: messages(interface_language()).ngettext(one, many, n),
        newstyle=True,
    )
    app.jinja_env.filters.update(
        spoken=spoken,
        language_name=language_name,
        short_name=short_name,
        capfirst=lambda text: text[:1].upper() + text[1:],
    )
    app.jinja_env.globals.update(kept=kept, here=here, past=past, present=present)
    app.context_processor(
        lambda: {"interface": interface_language(), "switches": _switches()},
    )
