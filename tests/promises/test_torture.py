"""All promises at once: a short run of `python -m bench torture`; and its ledger notices faults."""

from __future__ import annotations

import os
import shutil
import struct
import sys
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from bench.torturing import schedule
from bench.torturing.broken_promise import Broken
from bench.torturing.ledger import Ledger
from tests.support.benches import run_bench
from tests.support.parts import require

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 150
SEED = 6
LOG = "0" * 32


@pytest.mark.timeout(SECONDS + 20)
def test_server_keeps_its_promises_through_random_faults(tmp_path: Path) -> None:
    require("Linux", sys.platform == "linux", "run on Linux")
    require("a file system that is full soon", os.geteuid() == 0, "run the tests as root, in a container")
    require("cc", shutil.which("cc") is not None, "apt-get install gcc")
    options = ("--seed", str(SEED), "--minutes", "0.35", "--keep", str(tmp_path / "kept"))
    done = run_bench("torture", tmp_path, *options, seconds=SECONDS)
    assert done.code == 0, done.output
    details = done.written["details"]
    assert details["broken"] is None
    assert sum(details["survived"].values()) >= 5
    assert details["counts"]["acknowledged"] > 50
    assert details["counts"]["sightings"] > 50
    assert details["counts"]["acts_acknowledged"] > 0
    assert details["counts"]["looks"] == len(details["rounds"])


def test_seed_gives_one_schedule_and_another_seed_another_one() -> None:
    drawn = [[str(each) for each in islice(schedule.rounds(seed), 20)] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_schedule_has_each_kind_but_those_that_are_left_out() -> None:
    without = frozenset({schedule.DISK, schedule.CLOCK})
    drawn = list(islice(schedule.rounds(1, without=without), 20))
    kinds = {fault.kind for each in drawn for fault in (*each.starts, *each.live, each.end, *each.damages)}
    assert kinds == set(schedule.KINDS) - without


def _record(*edits: tuple[int, int, int]) -> bytes:
    return b"\x01\x01" + b"".join(struct.pack("<HHBQ", *edit, 7) for edit in edits)


def test_ledger_is_content_with_a_log_that_has_what_was_acknowledged() -> None:
    ledger = Ledger(8, 8, 4)
    one, other, unanswered = (ledger.new_edit() for _ in range(3))
    ledger.acknowledge(one, 1)
    ledger.acknowledge(other, 2)
    ledger.read(LOG, [_record(one), _record(other, unanswered)])
    ledger.sight("somebody", LOG, 2, ledger.canvas_at(2))
    assert ledger.end == 2


def test_ledger_notices_a_lost_edit() -> None:
    ledger = Ledger(8, 8, 4)
    ledger.acknowledge(ledger.new_edit(), 1)
    with pytest.raises(Broken, match="nowhere in the log"):
        ledger.read(LOG, [])


def test_ledger_notices_an_edit_at_another_version_than_answered() -> None:
    ledger = Ledger(8, 8, 4)
    one, other = ledger.new_edit(), ledger.new_edit()
    ledger.acknowledge(one, 2)
    with pytest.raises(Broken, match="in record 0"):
        ledger.read(LOG, [_record(one), _record(other)])


def test_ledger_notices_a_refused_edit_an_edit_of_nobody_and_one_that_is_there_twice() -> None:
    for found, why in ((0, "was refused"), (2, "nobody placed"), (1, "already")):
        ledger = Ledger(8, 8, 4)
        edits = [ledger.new_edit(), ledger.new_edit()]
        ledger.refuse(edits[0])
        edits.append(Ledger(8, 8, 4).new_edit() if found < 2 else (7, 7, 3))
        values = [_record(edits[found])] * 2
        with pytest.raises(Broken, match=why):
            ledger.read(LOG, values)


def test_ledger_notices_a_log_that_was_shortened_or_changed() -> None:
    for later, why in (([], "the log ends at 0"), ([b"\x01\x02"], "has changed")):
        ledger = Ledger(8, 8, 4)
        ledger.read(LOG, [_record(ledger.new_edit())])
        with pytest.raises(Broken, match=why):
            ledger.read(LOG, later)


def test_ledger_notices_a_wrong_canvas_whether_the_log_was_read_before_or_after() -> None:
    for before in (True, False):
        ledger = Ledger(8, 8, 4)
        edit = ledger.new_edit()
        if before:
            ledger.read(LOG, [_record(edit)])
        with pytest.raises(Broken, match="another canvas"):  # noqa: PT012 - either of the two calls may notice
            ledger.sight("somebody", LOG, 1, bytes(64))
            ledger.read(LOG, [_record(edit)])
