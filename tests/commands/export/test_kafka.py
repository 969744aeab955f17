"""With a real broker: a topic can be filled by an import, exported and filmed, like a data folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageSequence

from tests.commands.import_lines import Placed, line_of, write_table
from tests.support.kafka_servers import url_of
from tests.support.placed_command import run_placed

if TYPE_CHECKING:
    from pathlib import Path

    from bench.equipment.kafka.cluster import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

BEGAN_MS = 1_490_986_860_000


def _run(*words: str | Path) -> tuple[int, str]:
    done = run_placed(*words)
    return done.code, done.err


def test_a_topic_is_filled_exported_and_filmed_as_a_data_folder_is(kafka: Cluster, tmp_path: Path) -> None:
    placed = [Placed(BEGAN_MS + at * 7, f"u{at % 9}", at % 40, at // 40 % 30, 1 + at % 15) for at in range(3000)]
    table = write_table(tmp_path / "t.csv", 2017, (line_of(2017, one) for one in placed))
    (tmp_path / "key").write_bytes(bytes(range(32)))
    key = ("--author-key-file", tmp_path / "key")
    log = url_of(kafka, "imported")
    at_topic = ("--log", log, "--data", tmp_path / "beside", *key)
    assert _run("import", table, *at_topic) == (0, "")
    assert _run("import", table, "--data", tmp_path / "data", *key) == (0, "")
    code, err = _run("import", table, *at_topic)
    assert code == 3
    assert "the topic has records" in err
    for place, words in (("topic", at_topic), ("folder", ("--data", tmp_path / "data"))):
        assert _run("export", tmp_path / f"{place}.csv", *words) == (0, "")
        film = ("--seconds", "1", "--fps", "5", "--scale", "1")
        assert _run("timelapse", tmp_path / f"{place}.png", *film, *words) == (0, "")
    assert (tmp_path / "topic.csv").read_bytes() == (tmp_path / "folder.csv").read_bytes()
    assert (tmp_path / "topic.png").read_bytes() == (tmp_path / "folder.png").read_bytes()
    with Image.open(tmp_path / "topic.png") as image:
        last = np.asarray([frame.convert("P") for frame in ImageSequence.Iterator(image)][-1])
    assert last.shape == (30, 40)


def test_a_topic_that_is_not_there_is_told_and_not_made(kafka: Cluster, tmp_path: Path) -> None:
    code, err = _run("export", tmp_path / "t.csv", "--log", url_of(kafka, "nowhere"), "--data", tmp_path / "beside")
    assert code == 3
    assert "there is no such topic" in err
    assert list(tmp_path.iterdir()) == []
