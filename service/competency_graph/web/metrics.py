"""What operators watch, as Prometheus reads it: counted by each process, told by any of them.

To count is to add to a word of shared memory; all else is done when somebody asks.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from signal import SIGIO
from typing import TYPE_CHECKING, Any, Final

from competency_graph.index import LIMIT_OF_SIGNAL, Board
from competency_graph.web.counts import Counts

if TYPE_CHECKING:
    from prometheus_client.core import Metric

Application = Callable[..., Iterable[bytes]]

# Groups of paths, by the first part of the path; what is at none of them is “other”.
_GROUP_OF: Final[Mapping[str, str]] = {
    **{name: name for name in ("api", "changes", "graphs", "jobs", "sparql", "static", "validate")},
    **{name: "data" for name in ("graph", "id", "ns", "ontology", "shapes")},
    **{name: "pages" for name in ("", "docs", "sign-in", "sign-out")},
    **{name: "health" for name in ("healthz", "readyz", "metrics")},
}
_GROUPS: Final = (*sorted(set(_GROUP_OF.values())), "other")
# Every status that an answer of ours has; another counts as the first of its hundred.
_STATUSES: Final = (
    *(100, 200, 201, 202, 204, 206, 300, 303, 304, 400, 401, 403, 404, 405, 406, 408, 409, 410),
    *(412, 413, 415, 416, 422, 429, 499, 500, 502, 503, 507),
)
_LIMITS: Final = (
    *("time", "memory", "bytes", "rows", "nesting", "length", "queue", "requests", "kills"),
    *("at-once", "other"),
)
# Upper bounds in seconds.
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30)

# Where each figure is: requests by group and status, queries by bucket and one above all, the sum
# of their microseconds, slow ones, refusals by limit.
_QUERIES: Final = len(_GROUPS) * len(_STATUSES)
_SUM: Final = _QUERIES + len(_BUCKETS) + 1
_SLOW: Final = _SUM + 1
_REFUSALS: Final = _SLOW + 1
FIGURES: Final = _REFUSALS + len(_LIMITS)

_ROW_OF: Final = {part: _GROUPS.index(group) for part, group in _GROUP_OF.items()}
_COLUMN_OF: Final = {str(status): place for place, status in enumerate(_STATUSES)}
_LAST_ROW: Final = len(_GROUPS) - 1


class Metrics:
    """The figures of the web processes, and how they are told beside those of the others."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts

    def watching(self, application: Application) -> Application:
        """Return an application (PEP 3333) of which every answer is counted."""
        add = self.counts.add

        def watched(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            def started(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
                row = _ROW_OF.get(environ["PATH_INFO"][1:].partition("/")[0], _LAST_ROW)
                code = status[:3]
                column = _COLUMN_OF.get(code) or _COLUMN_OF.get(f"{code[0]}00", 0)
                add(row * len(_STATUSES) + column)
                return start_response(status, headers, *error)

            return application(environ, started)

        return watched

    def answered(self, seconds: float) -> None:
        """Count a query that was answered."""
        bucket = sum(seconds > bound for bound in _BUCKETS)
        self.counts.add(_QUERIES + bucket)
        self.counts.add(_SUM, round(seconds * 1e6))

    def slow(self) -> None:
        """Count one that was slow (``SLOW_QUERY``)."""
        self.counts.add(_SLOW)

    def refused(self, limit: str) -> None:
        """Count one that was refused at a limit."""
        self.counts.add(_REFUSALS + _LIMITS.index(limit if limit in _LIMITS else "other"))

    def told(self, board: Board, gate: Mapping[str, Any] | None, accept: str) -> tuple[bytes, str]:
        """Return all figures as text in the format that the client likes, and its media type.

        Args:
            board: what keeper and readers say of themselves.
            gate: what the gate says of itself; nothing where it does not answer.
            accept: the header of that name.
        """
        # Brings much that no other request needs.
        from prometheus_client.exposition import choose_encoder
        from prometheus_client.registry import Collector, CollectorRegistry

        families = [*self._of_web(), *_of_index(board), *_of_gate(gate)]

        class Told(Collector):
            def collect(self) -> "Iterable[Metric]":
                return families

        registry = CollectorRegistry(auto_describe=False)
        registry.register(Told())
        encode, media_type = choose_encoder(accept)
        return encode(registry), media_type

    def _of_web(self) -> "Iterator[Metric]":
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        total = self.counts.total
        requests = CounterMetricFamily(
            "competency_graph_http_requests",
            "Requests answered, by group of paths and status.",
            labels=["group", "status"],
        )
        for row, group in enumerate(_GROUPS):
            for column, status in enumerate(_STATUSES):
                if number := total(row * len(_STATUSES) + column):
                    requests.add_metric([group, str(status)], number)
        yield requests
        seconds = HistogramMetricFamily(
            "competency_graph_query_seconds",
            "Time of the queries at /sparql that were answered, waiting included.",
        )
        filled = accumulate(total(_QUERIES + place) for place in range(len(_BUCKETS) + 1))
        bounds = [*(str(float(bound)) for bound in _BUCKETS), "+Inf"]
        seconds.add_metric([], list(zip(bounds, filled, strict=True)), total(_SUM) / 1e6)
        yield seconds
        yield CounterMetricFamily(
            "competency_graph_slow_queries",
            "Queries that took SLOW_QUERY or longer, and were answered.",
            total(_SLOW),
        )
        refusals = CounterMetricFamily(
            "competency_graph_query_refusals", "Queries refused, by limit.", labels=["limit"]
        )
        for place, limit in enumerate(_LIMITS):
            refusals.add_metric([limit], total(_REFUSALS + place))
        yield refusals
        yield GaugeMetricFamily(
            "competency_graph_queries_running",
            "Queries and validations that run or wait now.",
            self.counts.running(),
        )


def _of_index(board: Board) -> "Iterator[Metric]":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    yield GaugeMetricFamily("competency_graph_revision", "Revision served.", board.revision)
    yield GaugeMetricFamily(
        "competency_graph_keepers", "Keepers that have served so far.", board.generation
    )
    yield GaugeMetricFamily("competency_graph_readers", "Readers of all kinds.", board.readers)
    causes = dict.fromkeys(("time", "memory", "bytes", "nesting", "left", "other", "none"), 0)
    for number, count in board.deaths().items():
        causes[_cause(number)] += count
    deaths = CounterMetricFamily(
        "competency_graph_reader_ends",
        "Readers that ended: at a limit, left by the client, by themselves (none), or otherwise.",
        labels=["cause"],
    )
    for cause, count in causes.items():
        deaths.add_metric([cause], count)
    yield deaths


def _cause(number: int) -> str:
    return LIMIT_OF_SIGNAL.get(number) or {0: "none", SIGIO: "left"}.get(number, "other")


def _of_gate(state: Mapping[str, Any] | None) -> "Iterator[Metric]":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    yield GaugeMetricFamily(
        "competency_graph_gate_up", "Whether the gate answered.", int(state is not None)
    )
    if state is None:
        return
    yield GaugeMetricFamily("competency_graph_log_head", "Newest change.", state["head"])
    writes = CounterMetricFamily(
        "competency_graph_writes",
        "Changes by outcome: recorded, tried (a dry run), nothing (changed nothing), or the code "
        "of the error that refused it.",
        labels=["outcome"],
    )
    for outcome, count in {"recorded": 0, **state["writes"]}.items():
        writes.add_metric([outcome], count)
    yield writes
    jobs = GaugeMetricFamily(
        "competency_graph_jobs", "Jobs known, by state; kept for a day.", labels=["state"]
    )
    for name in ("waiting", "running", "done", "failed", "cancelled"):
        jobs.add_metric([name], state["jobs"].get(name, 0))
    yield jobs
