"""Literals as values: which have a datatype, which of two is less. Normalises none.

Comparison is that of SPARQL's ``<`` (section 17.3), extended to the other types of XML Schema that
have an order, each with itself. Of two moments of which one has no time zone, one is less where it
is in every zone (XML Schema 1.1 part 2, D.2.1).
"""

import re
import struct
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

import pyoxigraph as ox

from competency_graph.literals import fault
from competency_graph.shacl.data import Term
from competency_graph.vocab import XSD

_STRING: Final = XSD + "string"
_BOOLEANS: Final = {"true": 1, "1": 1, "false": 0, "0": 0}
_INTEGERS: Final = frozenset(
    XSD + name
    for name in (
        *("integer", "nonPositiveInteger", "negativeInteger", "nonNegativeInteger"),
        *("positiveInteger", "long", "int", "short", "byte"),
        *("unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte"),
    )
)
# As which type the engine's store gives back what was put in as another.
_KEPT_AS: Final = {
    **{name: XSD + "integer" for name in _INTEGERS},
    XSD + "dateTimeStamp": XSD + "dateTime",
}


class Value(NamedTuple):
    """What a literal stands for: values of one ``kind`` are compared, others never are."""

    kind: str
    key: int | str | Fraction | float
    months: Fraction | None = None
    zoned: bool = False


def is_of(literal: Term, datatype: str, *, stored: bool) -> bool:
    """Say whether a term is a literal of a datatype and well-formed as such (SHACL 4.1.2).

    ``stored``: the literal comes from a store, which keeps an ``xsd:byte`` as ``xsd:integer``; it
    is of the datatype when it may have been written as that and its value is in the range.
    """
    if not isinstance(literal, ox.Literal):
        return False
    asked = _KEPT_AS.get(datatype, datatype) if stored else datatype
    return literal.datatype.value == asked and (
        literal.language is not None or _well_formed(literal.value, datatype)
    )


@lru_cache(maxsize=4096)
def _well_formed(text: str, datatype: str) -> bool:
    return fault(text, datatype) is None


def is_less(one: Term, other: Term, *, or_equal: bool = False) -> bool:
    """Say whether a term is less than another; false where the two cannot be compared."""
    if not (isinstance(one, ox.Literal) and isinstance(other, ox.Literal)):
        return False
    first, second = value_of(one), value_of(other)
    if first is None or second is None or first.kind != second.kind:
        return False
    if first.kind == "duration":
        return _is_shorter(first, second, or_equal)
    a, b = first.key, second.key
    if isinstance(a, float) or isinstance(b, float):
        a, b = float(a), float(b)
    elif first.zoned != second.zoned:
        a, or_equal = a + _MOST_ZONE, False  # type: ignore[operator]
    return a < b or (or_equal and a == b)  # type: ignore[operator]


def number_of(term: Term) -> int | None:
    """Return the whole number that a literal is, nothing where it is none."""
    if not isinstance(term, ox.Literal) or term.datatype.value not in _INTEGERS:
        return None
    value = value_of(term)
    return None if value is None else int(value.key)


def value_of(literal: ox.Literal) -> Value | None:
    """Return what a literal stands for; nothing where it is ill-typed or its type has no order."""
    if literal.language is not None:
        return None
    return _value(literal.value, literal.datatype.value)


@lru_cache(maxsize=4096)
def _value(text: str, datatype: str) -> Value | None:
    if datatype == _STRING:
        return Value("string", text)
    read = _READERS.get(datatype)
    if read is None or fault(text, datatype) is not None:
        return None
    return read(text, datatype)


def _number(text: str, datatype: str) -> Value:
    return Value("number", Fraction(text))


def _floating(text: str, datatype: str) -> Value:
    number = float(text.replace("INF", "inf"))
    if datatype == XSD + "float":
        try:
            number = struct.unpack("f", struct.pack("f", number))[0]
        except OverflowError:
            number = float("inf") if number > 0 else float("-inf")
    return Value("number", number)


def _boolean(text: str, datatype: str) -> Value:
    return Value("boolean", _BOOLEANS[text])


_MOMENT: Final = re.compile(
    r"(?:(?P<year>-?\d{4,})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?"
    r"|--(?P<month2>\d\d)(?:-(?P<day2>\d\d))?|---(?P<day3>\d\d)|(?=\d\d:))T?"
    r"(?:(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d(?:\.\d+)?))?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?"
)


def _moment(text: str, datatype: str) -> Value | None:
    found = _MOMENT.fullmatch(text)
    assert found is not None, f"{text} was held to be a {datatype}"
    parts = found.groupdict()
    # A year that has both parts open: gMonthDay of 29 February is a day (XML Schema 1.1, E.3.1).
    year = int(parts["year"] or 1972)
    month = int(parts["month"] or parts["month2"] or 1)
    day = int(parts["day"] or parts["day2"] or parts["day3"] or 1)
    seconds = (
        Fraction(_days_before(year, month) + day) * 86_400
        + int(parts["hour"] or 0) * 3600
        + int(parts["minute"] or 0) * 60
        + Fraction(parts["second"] or 0)
    )
    if parts["hour"] == "24" and parts["year"] is None:
        # At the end of a day that is none: a time of 24:00:00 is 00:00:00.
        seconds -= 86_400
    zone = parts["zone"]
    if zone not in (None, "Z"):
        hours, minutes = zone[1:].split(":")
        offset = int(hours) * 3600 + int(minutes) * 60
        seconds -= offset if zone[0] == "+" else -offset
    return Value(_KEPT_AS.get(datatype, datatype), seconds, zoned=zone is not None)


def _days_before(year: int, month: int) -> int:
    """Return the days before a month, counted in the Gregorian calendar carried on both ways."""
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return days + sum(lengths[: month - 1])


# Time zones go this far.
_MOST_ZONE: Final = 14 * 3600

_DURATION: Final = re.compile(
    r"(?P<minus>-?)P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
# From these moments on, every two durations that have an order have the same (XML Schema, 3.2.6.2).
_STARTS: Final = ((1696, 9), (1697, 2), (1903, 3), (1903, 7))


def _duration(text: str, datatype: str) -> Value:
    found = _DURATION.fullmatch(text)
    assert found is not None, f"{text} was held to be a duration"
    part = {
        name: Fraction(said or 0) for name, said in found.groupdict().items() if name != "minus"
    }
    months = part["years"] * 12 + part["months"]
    seconds = part["days"] * 86_400 + part["hours"] * 3600 + part["minutes"] * 60 + part["seconds"]
    sign = -1 if found["minus"] else 1
    return Value("duration", sign * seconds, months=sign * months)


def _is_shorter(one: Value, other: Value, or_equal: bool) -> bool:
    if one == other:
        return or_equal
    return all(_after(start, one) < _after(start, other) for start in _STARTS)


def _after(start: tuple[int, int], duration: Value) -> Fraction:
    assert isinstance(duration.key, Fraction)
    year, month = start
    months = year * 12 + month - 1 + int(duration.months or 0)
    return _days_before(months // 12, months % 12 + 1) * 86_400 + duration.key


_READERS: Final[dict[str, Callable[[str, str], Value | None]]] = {
    **{name: _number for name in (*_INTEGERS, XSD + "decimal")},
    **{XSD + name: _floating for name in ("float", "double")},
    XSD + "boolean": _boolean,
    **{
        XSD + name: _moment
        for name in (
            *("dateTime", "dateTimeStamp", "date", "time"),
            *("gYear", "gYearMonth", "gMonth", "gMonthDay", "gDay"),
        )
    },
    **{XSD + name: _duration for name in ("duration", "yearMonthDuration", "dayTimeDuration")},
}
