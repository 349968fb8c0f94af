"""Queries that take long stand aside, so that short ones find a reader and a processor."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from conftest import Service, start_service
from test_hanging_up import ASIDE, begin


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = start_service(
        tmp_path_factory.mktemp("aside"),
        readers="1",
        query_timeout="20",
        client_queries="off",
        kill_limit="off",
    )
    yield running
    assert running.stop() == 0


def test_as_many_long_queries_as_one_client_may_have_take_no_reader_from_short_ones(
    single: Service,
) -> None:
    before = set(single.readers())
    with ExitStack() as stack:
        for _ in range(ASIDE):
            stack.enter_context(begin(single, timeout=20))
        began = time.monotonic()
        for _ in range(20):
            assert single.query("ASK { ?s ?p ?o }").status == 200
        # Each long one had its place for a second at the most.
        assert time.monotonic() - began < 10
        now = set(single.readers())
        assert len(now) == len(before) + ASIDE
        if sys.platform == "linux":
            policies = [os.sched_getscheduler(process) for process in now]
            assert policies.count(os.SCHED_IDLE) == ASIDE
    deadline = time.monotonic() + 10
    while len(single.processes("keeping")) > len(before):
        assert time.monotonic() < deadline, "those that stood aside are still there"
        time.sleep(0.1)


def test_what_stood_aside_is_answered_whole(single: Service) -> None:
    # Some seconds of work, and then an answer.
    numbers = " ".join(map(str, range(100)))
    tables = " ".join(f"VALUES ?{name} {{ {numbers} }}" for name in "abc")
    began = time.monotonic()
    answer = single.query(
        f"SELECT (COUNT(*) AS ?n) {{ {tables} VALUES ?d {{ 1 2 3 4 5 }} "
        "FILTER (STRLEN(CONCAT(STR(?a), STR(?b), STR(?c))) > 0) }"
    )
    assert answer.status == 200, answer.body
    assert time.monotonic() - began > 1, "too quick to stand aside"
    (row,) = json.loads(answer.body)["results"]["bindings"]
    assert row["n"]["value"] == "5000000"
