"""Literals in their own spelling: XML Schema 1.1 and RDF 1.1 say which are of their type."""

import pytest
from competency_graph.literals import fault
from competency_graph.vocab import XSD
from hypothesis import given
from hypothesis import strategies as st
from rdflib import Literal, URIRef

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

GOOD = {
    "boolean": "true false 1 0",
    "integer": "0 -7 +007 99999999999999999999999999999999999999999999",
    "byte": "-128 127 +0 -0",
    "unsignedByte": "0 255",
    "unsignedLong": "18446744073709551615",
    "long": "-9223372036854775808",
    "negativeInteger": "-1 -99999999999999999999",
    "nonPositiveInteger": "0 -0",
    "positiveInteger": "1",
    "decimal": "1 1.0 .5 5. -0.0",
    "double": "1e400 1.0E-3 INF -INF +INF NaN .5e1 7",
    "date": "2024-02-29 2000-02-29Z -0004-02-29 0000-01-01 12345-06-30+14:00 2026-01-01-13:59",
    "time": "00:00:00 23:59:59.999 24:00:00 24:00:00.0Z",
    "dateTime": "2026-12-31T24:00:00 2026-01-01T00:00:00.5-05:00",
    "dateTimeStamp": "2026-01-01T00:00:00Z",
    "gYear": "2026 -0001 12026Z",
    "gYearMonth": "2026-12",
    "gMonth": "--12",
    "gMonthDay": "--02-29",
    "gDay": "---31Z",
    "duration": "P1Y P1M P1D PT1S -P1Y2M3DT4H5M6.7S PT0.5S",
    "yearMonthDuration": "P12M -P1Y",
    "dayTimeDuration": "PT1H P3D",
    "hexBinary": "0FB7 ab",
    "base64Binary": "YWJj YWI= YQ==",
    "language": "en en-GB x-klingon",
    "NCName": "été a.b-c _x",
    "anyURI": "anything %zz",
}
BAD = {
    "boolean": "True TRUE yes 2",
    "integer": "1.0 ١ 1e3 -- 0x1",
    "byte": "128 -129 300",
    "unsignedByte": "-1 256",
    "unsignedLong": "18446744073709551616 99999999999999999999999999999999999999999999999999",
    "long": "9223372036854775808",
    "negativeInteger": "0 1",
    "nonPositiveInteger": "1",
    "positiveInteger": "0 -1",
    "decimal": "1e0 . INF",
    "double": "infinity nan 1e e1 -NaN",
    "date": "abc 2026-02-29 1900-02-29 2026-13-01 2026-1-1 20260101 26-01-01 02026-01-01",
    "time": "24:00:01 12:60:00 12:00 25:00:00",
    "dateTime": "2026-01-01 2026-01-01T00:00 2026-02-30T00:00:00 2026-01-01T00:00:00+15:00",
    "dateTimeStamp": "2026-01-01T00:00:00",
    "gYear": "26 +2026",
    "gYearMonth": "2026-13",
    "gMonth": "12 --13",
    "gMonthDay": "--02-30 --04-31",
    "gDay": "---32",
    "duration": "P PT P1DT 1Y P1S P-1Y PT.5S",
    "yearMonthDuration": "P1D P",
    "dayTimeDuration": "P1Y PT",
    "hexBinary": "0 xy",
    "base64Binary": "YWJ= YQ= Y",
    "language": "en_GB toolongtag-",
    "NCName": "1a a:b",
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_of_its_type(name: str) -> None:
    assert [value for value in GOOD[name].split() if fault(value, XSD + name)] == []


@pytest.mark.parametrize("name", BAD)
def test_what_is_not(name: str) -> None:
    assert [value for value in BAD[name].split() if not fault(value, XSD + name)] == []


@pytest.mark.parametrize("name", ["integer", "date", "boolean", "double", "duration"])
def test_white_space_around_a_value_is_not_part_of_its_spelling(name: str) -> None:
    for value in GOOD[name].split():
        assert fault(f" {value}", XSD + name) and fault(f"{value}\n", XSD + name)
    assert fault("", XSD + name)


def test_the_range_is_told() -> None:
    assert fault("300", XSD + "byte") == "is no xsd:byte, which goes from -128 to 127"
    assert fault("0", XSD + "positiveInteger") == "is no xsd:positiveInteger, which begins at 1"


@pytest.mark.parametrize(
    ("value", "name", "right"),
    [
        ('{"a": [1]}', "JSON", True),
        ("{a}", "JSON", False),
        ("[" * 100_000, "JSON", False),
        ("<b>x</b> y", "XMLLiteral", True),
        ("<b>x</i>", "XMLLiteral", False),
        ("</content><content>", "XMLLiteral", False),
        ("x", "langString", False),
        ("<b>", "HTML", True),
    ],
)
def test_types_of_rdf(value: str, name: str, right: bool) -> None:
    assert (fault(value, _RDF + name) is None) == right


@given(st.text())
def test_a_text_is_kept_when_xml_can_hold_it(value: str) -> None:
    kept = all(
        c in "\t\n\r" or " " <= c < "\ud800" or "\ue000" <= c not in "\ufffe\uffff" for c in value
    )
    assert (fault(value, XSD + "string") is None) == kept


@given(st.integers(), st.sampled_from(["byte", "unsignedShort", "int", "long", "positiveInteger"]))
def test_integers_are_as_rdflib_has_them(value: int, name: str) -> None:
    known = Literal(str(value), datatype=URIRef(XSD + name)).ill_typed
    bounded = fault(str(value), XSD + name) is not None
    assert bounded or not known
