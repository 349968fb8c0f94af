"""Settings: read once, checked, frozen. Reads the environment and options, never a file."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from ipaddress import ip_network
from typing import Any, Final, Self, cast
from urllib.parse import urlsplit

from competency_graph.errors import BadSetting
from competency_graph.resources import Seed
from competency_graph.vocab import BASE

ENVIRONMENT_PREFIX: Final = "COMPETENCY_GRAPH_"
# Read by the command line as a client of a running service; not settings of the service.
_CLIENT_VARIABLES: Final = {"TOKEN"}

# Each has a place on the board (`index.board`).
_MOST_READERS: Final = 64

PRIVATE: Final = "private:"
"""Before an endpoint in ``SERVICE_ALLOW``: its name may lead into the operator's own network."""

_UNITS: Final = {"": 1, "B": 1, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}


def seconds(text: str) -> float:
    """Return a time as people write it, in seconds; raises ``ValueError`` with what would do."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|min)?", text.strip())
    value = float(match[1]) * {"ms": 0.001, "s": 1, "min": 60}[match[2] or "s"] if match else 0
    if not 0.001 <= value <= 86_400:
        raise ValueError("a time such as 10, 10 s or 500 ms, from 1 ms to one day")
    return value


def _size(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?B)?", text.strip().upper())
    value = int(float(match[1]) * _UNITS[match[2] or ""]) if match else 0
    if not 0 < value < 1 << 50:
        raise ValueError("a size such as 64 kB, 512 MB or 1 GB")
    return value


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,5}", text.strip()) or not 1 <= int(text) <= 10_000:
        raise ValueError("a whole number from 1 to 10000")
    return int(text)


def _few(text: str) -> int:
    if not re.fullmatch(r"\d{1,3}", text.strip()) or not 1 <= int(text) <= _MOST_READERS:
        raise ValueError(f"a whole number from 1 to {_MOST_READERS}")
    return int(text)


def _count_or_off(text: str) -> int | None:
    return None if text.strip().lower() == "off" else _count(text.removesuffix("/min"))


def _rows_or_off(text: str) -> int | None:
    if text.strip().lower() == "off":
        return None
    if not re.fullmatch(r"\d{1,12}", text.strip()) or int(text) < 1:
        raise ValueError("a whole number such as 100000, or off")
    return int(text)


def _seconds_or_off(text: str) -> float | None:
    return None if text.strip().lower() == "off" else seconds(text)


def _truth(text: str) -> bool:
    words = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
    if text.strip().lower() not in words:
        raise ValueError("true or false")
    return words[text.strip().lower()]


def _seed(text: str) -> Seed:
    if text not in ("shipped", "framework", "none"):
        raise ValueError("shipped, framework or none")
    return cast(Seed, text)


def _base(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or not text.endswith("/"):
        raise ValueError("an http or https IRI that ends with a slash")
    return text


def _bind(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError("an address and a port such as 127.0.0.1:8000")
    return text


def _networks(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        return tuple(str(ip_network(part)) for part in parts)
    except ValueError as error:
        raise ValueError("addresses or networks such as 10.0.0.0/8, with commas") from error


def _endpoints(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    for part in parts:
        url = part.removeprefix(PRIVATE)
        split = urlsplit(url)
        plain = re.fullmatch(r"[!-~]+", url) and not re.search(r'[<>"{}|\\^`#]', url)
        named = split.scheme in ("http", "https") and split.hostname and "@" not in split.netloc
        if not plain or not named or split.port == 0:
            raise ValueError(
                "http or https URLs without a user or a fragment, with commas, and each after "
                "private: where its name is of the own network"
            )
    return parts


def _url(text: str) -> str:
    if not re.match(r"(sqlite|postgresql)(\+\w+)?:///?", text):
        raise ValueError("a database URL such as sqlite:///competency-graph.db")
    return text


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _setting(parse: Callable[[str], object], default: object, meaning: str) -> Any:
    return field(default=default, metadata={"parse": parse, "help": meaning})


def _by_cores(cap: int, meaning: str, parse: Callable[[str], int] = _count) -> Any:
    """Declare a count that the machine decides when nobody says otherwise."""
    return field(
        default_factory=lambda: min(_cores(), cap), metadata={"parse": parse, "help": meaning}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that an operator may set. Times in seconds, sizes in bytes, ``None`` for off."""

    database: str = _setting(_url, "sqlite:///competency-graph.db", "the log, a database URL")
    bind: str = _setting(_bind, "127.0.0.1:8000", "address and port to listen on")
    workers: int = _by_cores(8, "web processes, by cores")
    readers: int = _by_cores(4, "processes that answer queries, by cores", _few)
    base: str = _setting(_base, BASE, "base of our own IRIs, fixed at the first change")
    seed: Seed = _setting(_seed, "shipped", "what an empty database is filled with")
    validation: bool = _setting(_truth, True, "whether changes are judged")
    union_default: bool = _setting(_truth, True, "the default graph is the union of the named")
    public_read: bool = _setting(_truth, True, "whether reading needs no token")
    public_history: bool = _setting(_truth, False, "whether older revisions need none either")
    query_timeout: float = _setting(seconds, 10.0, "time of one query")
    query_memory: int = _setting(_size, 512_000_000, "memory of one query")
    query_rows: int | None = _setting(_rows_or_off, None, "rows of one answer, or off")
    query_bytes: int = _setting(_size, 256_000_000, "size of one answer")
    query_length: int = _setting(_size, 64_000, "length of a query's text")
    rate_limit: int | None = _setting(
        _count_or_off, 600, "queries and validations of one client in a minute before 429, or off"
    )
    queue: int = _setting(_count, 32, "queries that may wait")
    kill_limit: int | None = _setting(
        _count_or_off, 3, "queries of one client past a limit in a minute before 429, or off"
    )
    client_queries: int | None = _setting(
        _count_or_off, 4, "queries and validations of one client at once, or off"
    )
    token_factor: int = _setting(
        _count, 3, "how many times the limits of one client, and of time, with a valid token"
    )
    slow_query: float | None = _setting(
        _seconds_or_off, 1.0, "time from which a query is logged, or off"
    )
    reader_private: int = _setting(_size, 256_000_000, "memory of its own at which a reader ends")
    max_body: int = _setting(_size, 64_000_000, "size of a request body")
    validation_timeout: float = _setting(seconds, 120.0, "time of one validation")
    service_allow: tuple[str, ...] = _setting(
        _endpoints, (), "endpoints that SERVICE may ask, with commas"
    )
    trusted_proxies: tuple[str, ...] = _setting(
        _networks, (), "whose X-Forwarded-For counts, with commas"
    )

    @classmethod
    def load(
        cls, environ: Mapping[str, str], options: Mapping[str, str | None] | None = None
    ) -> Self:
        """Return the settings that environment and options make; options win.

        Raises:
            BadSetting: a name is unknown, or a value impossible; the sentence says which.
        """
        values: dict[str, Any] = {
            name: value for name, (value, _) in _values(environ, options or {}).items()
        }
        return cls(**values)

    @classmethod
    def origins(
        cls, environ: Mapping[str, str], options: Mapping[str, str | None] | None = None
    ) -> dict[str, str]:
        """Return where each value comes from: ``default``, ``environment`` or ``option``."""
        given = _values(environ, options or {})
        return {f.name: given[f.name][1] if f.name in given else "default" for f in fields(cls)}

    def environment(self) -> dict[str, str]:
        """Return the settings as the environment variables that give them back."""
        return {
            ENVIRONMENT_PREFIX + f.name.upper(): _spelt(getattr(self, f.name)) for f in fields(self)
        }


def setting_fields() -> tuple[Field[Any], ...]:
    """Return the declared settings, each with ``metadata["help"]``, in their order."""
    return fields(Settings)


def _spelt(value: object) -> str:
    if value is None:
        return "off"
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _values(
    environ: Mapping[str, str], options: Mapping[str, str | None]
) -> dict[str, tuple[object, str]]:
    """Return name to (value, origin) for everything that was said."""
    said: dict[str, tuple[str, str, str]] = {}
    for variable, text in environ.items():
        name = variable.removeprefix(ENVIRONMENT_PREFIX)
        if name != variable and name not in _CLIENT_VARIABLES:
            said[name.lower()] = (text, "environment", variable)
    for name, option in options.items():
        if option is not None:
            said[name] = (option, "option", "--" + name.replace("_", "-"))
    declared = {f.name: f for f in fields(Settings)}
    values: dict[str, tuple[object, str]] = {}
    for name, (text, origin, shown) in said.items():
        if name not in declared:
            close = get_close_matches(name, declared, n=1)
            hint = f"Did you mean {ENVIRONMENT_PREFIX}{close[0].upper()}?" if close else ""
            raise BadSetting(
                f"There is no setting {shown}. {hint or 'See: competency-graph settings.'}"
            )
        try:
            values[name] = (declared[name].metadata["parse"](text), origin)
        except ValueError as error:
            raise BadSetting(f"{shown} cannot be “{text}”. Give {error}.") from None
    return values
