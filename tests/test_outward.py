"""Where an endpoint may be: the addresses that its name may lead to, and how settings name it."""

from ipaddress import ip_address

import pytest
from competency_graph.config import Settings
from competency_graph.errors import BadSetting
from competency_graph.outward import endpoints

NAME = "http://endpoint.example/sparql"
PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
# Of one's own network: for those names that the operator marks.
PRIVATE = ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1"]
NEVER = [
    "169.254.169.254",
    "fe80::1",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:93.184.215.14",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "2001:0:7f00:1::",
]
RESERVED = ["240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::7f00:1"]


def _permits(entry: str, address: str) -> bool:
    (endpoint,) = endpoints([entry]).values()
    return endpoint.permits(ip_address(address))


@pytest.mark.parametrize("address", [*PUBLIC, *PRIVATE, *NEVER, *RESERVED])
def test_a_name_leads_to_public_addresses_only(address: str) -> None:
    assert _permits(NAME, address) is (address in PUBLIC)


@pytest.mark.parametrize("address", [*PUBLIC, *PRIVATE, *NEVER])
def test_a_marked_name_leads_into_the_own_network_too(address: str) -> None:
    assert _permits("private:" + NAME, address) is (address not in NEVER)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254"])
def test_an_address_written_as_such_is_that_one_alone(address: str) -> None:
    assert _permits(f"http://{address}:3030/sparql", address)
    assert not _permits(f"http://{address}:3030/sparql", "127.0.0.2")


@pytest.mark.parametrize("address", ["::1", "::ffff:127.0.0.1"])
def test_an_address_of_ipv6_is_written_in_brackets(address: str) -> None:
    assert _permits(f"http://[{address}]:3030/sparql", address)


def test_endpoints_are_named_by_what_a_query_writes() -> None:
    settings = Settings.load({"COMPETENCY_GRAPH_SERVICE_ALLOW": f"{NAME}, private:{NAME}2"})
    found = endpoints(settings.service_allow)
    assert {url: endpoint.private for url, endpoint in found.items()} == {
        NAME: False,
        NAME + "2": True,
    }
    assert Settings.load(settings.environment()) == settings


@pytest.mark.parametrize(
    "text",
    [
        "endpoint.example/sparql",
        "ftp://endpoint.example/sparql",
        "file:///etc/passwd",
        "http://user:secret@endpoint.example/sparql",
        "http://endpoint.example/sparql#here",
        "http://endpoint.example/a b",
        "http://endpoint.example:99999/sparql",
        "http:///sparql",
        "http://münchen.example/sparql",
        "public:http://endpoint.example/sparql",
    ],
)
def test_what_is_no_endpoint_stops_the_start(text: str) -> None:
    with pytest.raises(BadSetting, match="SERVICE_ALLOW cannot be"):
        Settings.load({"COMPETENCY_GRAPH_SERVICE_ALLOW": text})
