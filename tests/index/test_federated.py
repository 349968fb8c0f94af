"""What the engine is given after a query was read holds no outbound keyword, however spelt."""

import random
from collections import Counter
from collections.abc import Iterator

import pyoxigraph as ox
from competency_graph.errors import BadQuery, OutboundRefused
from competency_graph.index.federation import read_query

PIECES = [
    *("SERVICE ", "SERVICE", "service", "SILENT ", "SERVICESILENT ", "SERVICEe:a", "sERVICE#\n"),
    *(" e:a ", "<CANARY>", "{?s ?p ?o}", "{}", "{", "}", ".", " . ", ";", "#", "#>", "\n", " "),
    *("'", "'x>'", "'''", '"', '"x"', "\\'", "<", ">", "?a", "?service", "1", "1e5", "true"),
    *("FILTER(1<", "FILTER(?a<", ")", "||true)", "BIND(1 AS ?a)", "OPTIONAL", "UNION", "GRAPH ?g"),
    *(
        "?s ?p ",
        "'a'@en",
        "_:b",
        "e:service",
        "<urn:service>",
        "\\u0053ERVICE",
        "\\u0027",
        "(",
        "|",
    ),
]


def _texts(url: str, number: int) -> Iterator[str]:
    chance = random.Random(5)
    head = f"PREFIX e: <{url}/> PREFIX SERVICEe: <urn:x> SELECT * {{ "
    seeds = ["FILTER(1<'x>'||true)", "FILTER(1<2)#>'''\n", "SERVICE e:a {}", "?s ?p 'a\\u0027'"]
    for _ in range(number):
        pieces = chance.choices(PIECES, k=chance.randint(1, 6))
        pieces.insert(chance.randint(0, len(pieces)), chance.choice([*seeds, "SERVICE e:a {}"]))
        yield head + "".join(pieces).replace("CANARY", url + "/a") + chance.choice([" }", " }#'"])


def test_what_was_read_asks_nobody_when_the_engine_may(canary: tuple[str, list[str]]) -> None:
    url, heard = canary
    became: Counter[str] = Counter()
    store = ox.Store()
    for value in ("a", "a'"):
        store.add(ox.Quad(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), ox.Literal(value)))
    for text in _texts(url, 12_000):
        try:
            read_query(text)
        except OutboundRefused:
            became["refused"] += 1
            continue
        except BadQuery:
            became["not read"] += 1
            continue
        try:
            # This process has no seal: it would reach the canary.
            found = store.query(text)
            assert isinstance(found, ox.QuerySolutions)
            for _ in found:
                pass
        except (SyntaxError, RuntimeError, OSError):
            became["not evaluated"] += 1
        else:
            became["evaluated"] += 1
        assert not heard, text
    assert became["refused"] > 1000
    assert became["evaluated"] > 20, became
