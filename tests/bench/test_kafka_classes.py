"""Kafka's classes are kept once for all brokers, and a broker also runs without them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.equipment.kafka.classes import keep_classes
from bench.equipment.kafka.java import java_command

if TYPE_CHECKING:
    from bench.equipment.kafka.cluster import Cluster

pytestmark = pytest.mark.kafka

SECONDS = 60


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of an archive that doesn't exist yet."""
    path = tmp_path / "classes.jsa"
    for module in ("classes", "java"):
        monkeypatch.setattr(f"bench.equipment.kafka.{module}.class_archive", lambda: path)
    return path


def starts(*options: str) -> bool:
    """Whether Java starts with these options, as for a broker."""
    return subprocess.run([*java_command(*options), "-version"], capture_output=True, timeout=SECONDS).returncode == 0


def test_classes_that_one_broker_has_kept_are_those_of_the_next(kafka: Cluster) -> None:
    assert kafka.brokers
    assert starts("-Xshare:on")  # this option ends Java if it can't use the archive


def test_java_starts_beside_an_archive_that_is_none(kafka: Cluster, archive: Path) -> None:
    assert kafka.brokers
    archive.write_text("no classes")
    assert not starts("-Xshare:on")
    assert starts()


def test_only_the_first_broker_is_run_for_the_archive(archive: Path) -> None:
    asked: list[str] = []

    def run_broker(option: str) -> None:
        asked.append(option)
        Path(option.partition("=")[2]).write_text("classes")

    keep_classes(run_broker)
    keep_classes(run_broker)
    assert len(asked) == 1
    assert archive.read_text() == "classes"


def test_a_broker_that_leaves_no_archive_or_does_not_start_is_no_failure(archive: Path) -> None:
    def fail(_option: str) -> None:
        raise RuntimeError("broker 1 didn't start")

    keep_classes(fail)
    keep_classes(lambda _option: None)
    assert not archive.exists()
