"""Literals as they are written: which are ill-typed. Normalises none, knows no place.

The lexical spaces are those of XML Schema 1.1 part 2 and RDF 1.1 Concepts, section 5. The engine
cannot be asked: it keeps derived integers as integers and what it cannot read as it stands.
"""

import calendar
import json
import re
from collections.abc import Callable
from typing import Final
from xml.parsers import expat

from competency_graph.vocab import XSD

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

# What XML 1.0 cannot hold: such a text could not be given back as RDF/XML or in XML results.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_ZONE: Final = r"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))"
_YEAR: Final = r"-?(?:[1-9]\d{3,}|0\d{3})"
_MONTH: Final = r"(?:0[1-9]|1[0-2])"
_DAY: Final = r"(?:0[1-9]|[12]\d|3[01])"
_TIME: Final = r"(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?|24:00:00(?:\.0+)?)"
_DATE: Final = rf"(?P<year>{_YEAR})-(?P<month>{_MONTH})-(?P<day>{_DAY})"
_DAYS: Final = r"(?:\d+D)"
_CLOCK: Final = r"(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)"
_FLOAT: Final = r"(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?INF|NaN)"
_NAME: Final = r"[^\W\d][\w.\-·]*"
_BASE64: Final = r"[A-Za-z0-9+/]"

_PATTERNS: Final[dict[str, str]] = {
    "boolean": r"true|false|1|0",
    "decimal": r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)",
    "float": _FLOAT,
    "double": _FLOAT,
    "dateTime": f"{_DATE}T{_TIME}{_ZONE}?",
    "dateTimeStamp": f"{_DATE}T{_TIME}{_ZONE}",
    "date": f"{_DATE}{_ZONE}?",
    "time": f"{_TIME}{_ZONE}?",
    "gYear": f"{_YEAR}{_ZONE}?",
    "gYearMonth": f"{_YEAR}-{_MONTH}{_ZONE}?",
    "gMonth": f"--{_MONTH}{_ZONE}?",
    # A day that its month has in some year: the 29th of February is one.
    "gMonthDay": f"--(?P<month>{_MONTH})-(?P<day>{_DAY}){_ZONE}?",
    "gDay": f"---{_DAY}{_ZONE}?",
    "duration": rf"-?P(?=[\dT])(?:\d+Y)?(?:\d+M)?{_DAYS}?{_CLOCK}?",
    "yearMonthDuration": r"-?P(?=\d)(?:\d+Y)?(?:\d+M)?",
    "dayTimeDuration": rf"-?P(?=[\dT]){_DAYS}?{_CLOCK}?",
    "hexBinary": r"(?:[0-9A-Fa-f]{2})*",
    "base64Binary": (
        rf"(?:(?:{_BASE64} ?){{4}})*"
        rf"(?:(?:{_BASE64} ?){{3}}{_BASE64}|(?:{_BASE64} ?){{2}}[AEIMQUYcgkosw048] ?=|"
        rf"{_BASE64} ?[AQgw] ?= ?=)?"
    ),
    "language": r"[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*",
}
# Of these, letters and digits are those of all scripts.
_TEXTS: Final[dict[str, str]] = {
    "normalizedString": r"[^\t\n\r]*",
    "token": r"(?:[^\t\n\r ]+(?: [^\t\n\r ]+)*)?",
    "NMTOKEN": r"[\w.\-:·]+",
    "Name": r"(?:[^\W\d]|:)[\w.\-:·]*",
    "QName": rf"(?:{_NAME}:)?{_NAME}",
    **{name: _NAME for name in ("NCName", "ID", "IDREF", "ENTITY")},
}
_COMPILED: Final = {
    **{name: re.compile(pattern, re.ASCII) for name, pattern in _PATTERNS.items()},
    **{name: re.compile(pattern) for name, pattern in _TEXTS.items()},
}

_INTEGER = re.compile(r"[+-]?[0-9]+")
_RANGES: Final[dict[str, tuple[int | None, int | None]]] = {
    "integer": (None, None),
    "nonPositiveInteger": (None, 0),
    "negativeInteger": (None, -1),
    "nonNegativeInteger": (0, None),
    "positiveInteger": (1, None),
    **{
        name: (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        for name, bits in (("long", 64), ("int", 32), ("short", 16), ("byte", 8))
    },
    **{
        f"unsigned{name}": (0, 2**bits - 1)
        for name, bits in (("Long", 64), ("Int", 32), ("Short", 16), ("Byte", 8))
    },
}


def unwritable(value: str) -> str | None:
    """Return the first character of a text that XML cannot hold, as ``U+0001``, or None."""
    found = _UNWRITABLE.search(value)
    return None if found is None else f"U+{ord(found[0]):04X}"


def fault(value: str, datatype: str, language: str = "") -> str | None:
    """Return what is wrong with a literal in its own spelling, as the end of a sentence, or None.

    >>> fault("300", "http://www.w3.org/2001/XMLSchema#byte")
    'is no xsd:byte, which goes from -128 to 127'

    A datatype that is not known here, or whose values are all texts, finds nothing wrong.
    """
    if (character := unwritable(value)) is not None:
        return f"holds the character {character}, which XML cannot hold"
    if "--" in language:
        return "has a base direction, which RDF 1.1 does not know"
    if datatype.startswith(XSD):
        return _schema_fault(value, datatype.removeprefix(XSD))
    check = _RDF_TYPES.get(datatype.removeprefix(_RDF)) if datatype.startswith(_RDF) else None
    if check is not None and not language and not check(value):
        return f"is no rdf:{datatype.removeprefix(_RDF)}"
    return None


def _schema_fault(value: str, name: str) -> str | None:
    if name in _RANGES:
        if _INTEGER.fullmatch(value) is None:
            return f"is no xsd:{name}"
        return _range_fault(value, name)
    pattern = _COMPILED.get(name)
    if pattern is None:
        return None
    match = pattern.fullmatch(value)
    if match is None:
        return f"is no xsd:{name}"
    parts = match.groupdict()
    if "day" in parts and int(parts["day"]) > _days(parts.get("year"), int(parts["month"])):
        return f"is no xsd:{name}: that month has no such day"
    return None


def _range_fault(value: str, name: str) -> str | None:
    lowest, highest = _RANGES[name]
    sign, digits = value[:1] == "-", value.lstrip("+-").lstrip("0") or "0"
    # Longer than any bound, and than what Python turns into a number.
    number = int(digits[:40]) * (-1 if sign else 1)
    if (lowest is not None and number < lowest) or (highest is not None and number > highest):
        if highest is None:
            return f"is no xsd:{name}, which begins at {lowest}"
        if lowest is None:
            return f"is no xsd:{name}, which ends at {highest}"
        return f"is no xsd:{name}, which goes from {lowest} to {highest}"
    return None


def _days(year: str | None, month: int) -> int:
    if year is None:
        return calendar.monthrange(2000, month)[1]
    # The calendar repeats every 400 years; the year 0 is a leap year in XML Schema 1.1.
    before = -1 if year.startswith("-") else 1
    return calendar.monthrange(2000 + before * int(year[-4:]) % 400, month)[1]


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


def _is_xml(value: str) -> bool:
    parser = expat.ParserCreate()
    try:
        parser.Parse(f"<content>{value}</content>", True)
    except expat.ExpatError:
        return False
    return "<!DOCTYPE" not in value


_RDF_TYPES: Final[dict[str, Callable[[str], bool]]] = {
    "JSON": _is_json,
    "XMLLiteral": _is_xml,
    "langString": lambda value: False,
    "dirLangString": lambda value: False,
}
