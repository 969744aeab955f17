"""The folder watch: what it reports, when, and that it does so once."""

from __future__ import annotations

import itertools
import logging
import threading
from typing import TYPE_CHECKING

import pytest
import trio

from placed.backends import LogUnavailable, OutcomeUnknown
from placed.storage.folder_watch import FolderWatch
from placed.tasks.writer import Writer
from tests.support.log_lines import logged
from tests.support.scripted_log import ScriptedLog

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_SECONDS = 20.0


class Place:
    """A place that may be displaced."""

    def __init__(self) -> None:
        self.reason: str | None = None

    def why(self) -> str | None:
        """Why it is displaced; None while it isn't."""
        return self.reason


async def test_each_change_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    places = [Place(), Place()]
    subject = FolderWatch([place.why for place in places], {})
    steps = [(None, None), ("one is gone", None), ("one is gone", "so is the other"), (None, "the other"), (None, None)]
    for reasons in steps:
        for place, reason in zip(places, reasons, strict=True):
            place.reason = reason
        for _ in range(2):
            await subject.look()
        assert subject.displaced == next(filter(None, reasons), None)
    lines = logged(caplog, logging.INFO)
    assert [(line["level"], line["event"]) for line in lines] == [
        ("error", "the data folder is not in its place; edits are refused"),
        ("info", "the data folder is back in its place; edits are taken again"),
    ]
    assert lines[0]["reason"] == "one is gone"


async def test_it_looks_again_and_again() -> None:
    looked, found = trio.Event(), trio.Event()
    looks = 0

    def look() -> str | None:
        nonlocal looks
        looks += 1
        trio.from_thread.run_sync(looked.set)
        if looks == 3:
            return "gone"
        if looks > 3:
            trio.from_thread.run_sync(found.set)
        return None

    subject = FolderWatch([look], {}, seconds=0)
    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(subject.run)
            await looked.wait()
            await found.wait()
            nursery.cancel_scope.cancel()


class _Steps(trio.abc.Instrument):
    """Counts how often the watch's task is woken."""

    def __init__(self) -> None:
        self.count = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.count += task.name.endswith("FolderWatch.run")


async def test_looks_that_find_nothing_new_do_not_wake_the_loop(nursery: trio.Nursery) -> None:
    looks, enough, steps = itertools.count(), threading.Event(), _Steps()

    def look() -> str | None:
        if next(looks) == 50:
            enough.set()
        return None

    trio.lowlevel.add_instrument(steps)
    nursery.start_soon(FolderWatch([look], {}, seconds=0).run)
    assert await trio.to_thread.run_sync(enough.wait, LIMIT_SECONDS)
    assert steps.count < 10
    nursery.cancel_scope.cancel()


async def test_disk_that_hangs_doesn_t_hold_up_the_end() -> None:
    released = threading.Event()
    subject = FolderWatch([lambda: str(released.wait(LIMIT_SECONDS))], {})
    with trio.fail_after(LIMIT_SECONDS / 2), trio.move_on_after(0.05):
        await subject.run()
    released.set()


async def test_it_knows_the_log_s_size_and_the_room_there_is(tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(bytes(12_345))
    subject = FolderWatch([], {"data": tmp_path / "missing", "log": tmp_path})
    await subject.look()
    assert subject.log_bytes == 12_345
    assert subject.free_bytes.keys() == {"log"}
    assert subject.free_bytes["log"] > 0


async def test_files_are_put_back_while_the_folder_is_in_its_place_and_each_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    place, mended = Place(), Place()
    calls: list[str | None] = []

    def put_back() -> str | None:
        calls.append(mended.reason)
        return mended.reason

    subject = FolderWatch([place.why], {}, put_back=put_back)
    for reason in (None, "it can't be written", "it can't be written", None, "it was written", None):
        mended.reason = reason
        await subject.look()
    assert [line["reason"] for line in logged(caplog)] == ["it can't be written", "it was written"]
    assert subject.displaced is None
    place.reason = "all of it is gone"
    await subject.look()
    assert len(calls) == 6


async def _place(writer: Writer) -> int:
    with trio.fail_after(LIMIT_SECONDS):
        return await writer.place(0, 0, 1, 7)


async def test_writer_appends_nothing_while_a_folder_is_displaced(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    log, place = ScriptedLog(), Place()
    folders = FolderWatch([place.why], {})
    writer = Writer(log, folders=folders)
    nursery.start_soon(writer.run)
    await _place(writer)
    place.reason = "the lock is gone"
    await folders.look()
    for _ in range(3):
        with pytest.raises(LogUnavailable, match="the lock is gone") as raised:
            await _place(writer)
        assert type(raised.value) is LogUnavailable
    assert len(log.appended) == 1
    place.reason = None
    await folders.look()
    await _place(writer)
    assert [line["level"] for line in logged(caplog, logging.INFO)] == ["error", "info"]
    nursery.cancel_scope.cancel()


async def test_append_that_fails_for_a_displaced_folder_is_told_by_the_watch_alone(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    log, place = ScriptedLog(), Place()
    folders = FolderWatch([place.why], {})
    writer = Writer(log, folders=folders)
    nursery.start_soon(writer.run)
    place.reason = "it is gone"
    log.append_errors = [OutcomeUnknown("it is gone; the last edits are in the folder or file that was taken away")]
    with pytest.raises(OutcomeUnknown):
        await _place(writer)
    with pytest.raises(LogUnavailable):
        await _place(writer)
    assert [line["event"] for line in logged(caplog)] == ["the data folder is not in its place; edits are refused"]
    nursery.cancel_scope.cancel()
