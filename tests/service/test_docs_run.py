"""What the page on changing something tells to type works as it says."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Service, start_service

PAGE = (Path(__file__).parents[2] / "docs" / "change.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh run\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
_END = "\x1e"
(FILE,) = re.findall(r"^```turtle\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Service]:
    service = start_service(tmp_path)
    yield service
    assert service.stop() == 0


def test_the_first_block_is_ten_lines() -> None:
    assert len(BLOCKS) == 3
    assert len(BLOCKS[0].splitlines()) == 10


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl: the docs were not executed")
def test_every_line_does_what_the_page_says(running: Service) -> None:
    (running.folder / "helping.ttl").write_text(FILE, encoding="utf-8")
    # What each command answers is told apart from what the next one does.
    script = "\n".join(BLOCKS).replace("http://127.0.0.1:8000", running.url)
    script = script.replace("curl ", f"curl -w '\\n%{{http_code}}{_END}' ")
    environment = os.environ | {
        "COMPETENCY_GRAPH_DATABASE": f"sqlite:///{running.folder}/log.db",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],
        cwd=running.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = [told.rsplit("\n", 1) for told in done.stdout.split(_END)[:-1]]
    statuses = [int(status) for _, status in answers]
    bodies = [body for body, _ in answers]
    assert statuses == [201, 200, 422, 200, 200, 200, 200, 200], bodies
    first, looked, worse, better, listed, changes, updated, put_back = bodies
    assert json.loads(first)["recorded"] is True
    assert '"Listening"@en' in looked
    (finding,) = json.loads(worse)["findings"]["new"]
    assert "://" not in finding["message"]
    assert json.loads(better)["revision"] == json.loads(first)["revision"] + 1
    assert [item["label"] for item in json.loads(listed)["items"]] == ["Hearing"]
    told = json.loads(changes)["items"]
    assert [(item["author"], item["message"]) for item in told] == [
        ("Ada Lovelace", "Better"),
        ("Ada Lovelace", "First"),
    ]
    for said in (updated, put_back):
        assert json.loads(said)["recorded"] is True
