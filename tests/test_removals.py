"""What would be removed is told by its English label, in whichever order the log has its lines."""

from itertools import permutations

from competency_graph.model import removals_json

LABELS = ('"Berater"@de', '"Consultant"@en', '"Consulente"', '"Asesor"@es')


def _lines(labels: tuple[str, ...]) -> list[bytes]:
    says = "<https://example.org/a> <http://www.w3.org/2004/02/skos/core#prefLabel>"
    return [f"{says} {label} <https://example.org/graph> .".encode() for label in labels]


def _label(*labels: str) -> object:
    return removals_json(_lines(labels))["listed"][0]["thing"]["label"]


def test_the_english_label_names_a_thing() -> None:
    assert {_label(*some) for some in permutations(LABELS)} == {"Consultant"}
    assert _label('"Colour"@de', '"Colours"@en-GB') == "Colours"


def test_without_an_english_one_another_does() -> None:
    assert {_label(*some) for some in permutations(('"Berater"@de', '"Asesor"@es'))} == {"Berater"}
    assert _label('"Berater"@de', '"Consulente"') == "Consulente"
