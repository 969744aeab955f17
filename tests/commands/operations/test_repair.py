"""`placed check --repair` keeps all readable records, names the others, invents nothing, and deletes nothing."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import HealthCheck, given, settings

from placed.backends.lmdb.log import open_lmdb_log
from placed.commands.operations.check import check, held_folders
from placed.commands.operations.repair import CannotRepair, repair
from placed.commands.settings.values import Settings
from placed.process.exit_codes import ExitCode
from tests.backends.lmdb.test_damage import damages
from tests.commands.operations.conftest import EDITS, Canvas, harm_record
from tests.support.http_connection import get
from tests.support.offline_log import read_records, values_of
from tests.support.server_process import starting

if TYPE_CHECKING:
    from collections.abc import Callable

    Placed = Callable[..., tuple[int, str, str]]

_SCRATCH = "/dev/shm" if Path("/dev/shm").is_dir() else None


def _silent(_begin: int, _at: int, _end: int) -> None:
    pass


async def _log(data: Path) -> tuple[str, list[bytes], list[int]]:
    """The id, the values and the times of a log."""
    async with open_lmdb_log(data / "log") as log:
        values = await values_of(log)
        async with log.read(0) as batches:
            times_ms: list[int] = []
            while len(times_ms) < len(values):
                times_ms += (await batches.receive()).times_ms.tolist()
        return log.id, values, times_ms


def _asides(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if ".aside-" in path.name)


def test_canvas_that_is_well_is_left_alone(canvas: Canvas, placed: Placed) -> None:
    before = canvas.log.read_bytes()
    code, out, _ = placed("check", "--repair", "--data", canvas.data)
    assert code == 0
    assert "repaired" not in out
    assert canvas.log.read_bytes() == before


def test_damaged_snapshot_is_put_aside(canvas: Canvas, placed: Placed) -> None:
    canvas.snapshot.write_bytes(b"no snapshot")
    code, out, _ = placed("check", "--repair", "--data", canvas.data)
    assert code == 0
    assert "repaired: the snapshot is put aside" in out
    (aside,) = _asides(canvas.data)
    assert (aside / "data.mdb").read_bytes() == b"no snapshot"
    assert trio.run(_log, canvas.data)[0] in out


def test_damaged_record_is_left_out_and_all_others_are_kept_with_their_times(canvas: Canvas, placed: Placed) -> None:
    id_, values, times_ms = trio.run(_log, canvas.data)
    harm_record(canvas.log, values[6])
    harmed = canvas.log.read_bytes()
    code, out, _ = placed("check", "--repair", "--data", canvas.data)
    assert code == 0
    assert "lost: the record at offset 6: record 6 doesn't match its checksum" in out
    assert "records that are lost, as far as the log knows: 1\n" in out
    assert f"at version {EDITS + 1} the canvas differs from the snapshot's in 1 pixels" in out
    new_id, new_values, new_times_ms = trio.run(_log, canvas.data)
    assert new_values == values[:6] + values[7:]
    assert new_times_ms == times_ms[:6] + times_ms[7:]
    assert new_id != id_
    (aside,) = _asides(canvas.data / "log")
    assert aside.read_bytes() == harmed
    assert len(_asides(canvas.data)) == 1


def test_torn_tail_leaves_what_comes_before_it(canvas: Canvas, placed: Placed) -> None:
    _, values, _ = trio.run(_log, canvas.data)
    harm_record(canvas.log, values[-1])
    assert placed("check", "--repair", "--data", canvas.data)[0] == 0
    assert trio.run(_log, canvas.data)[1] == values[:-1]


def test_lost_definition_of_the_canvas_comes_from_the_snapshot(canvas: Canvas, placed: Placed) -> None:
    _, values, _ = trio.run(_log, canvas.data)
    data = canvas.log.read_bytes()
    canvas.log.write_bytes(data.replace(values[0], values[0][:-1] + b"\x55"))
    code, out, _ = placed("check", "--repair", "--data", canvas.data)
    assert code == 0
    assert "the record that defines the canvas was lost, and was taken from the snapshot" in out
    assert trio.run(_log, canvas.data)[1] == values


def test_nothing_is_done_when_nobody_knows_what_the_canvas_was(canvas: Canvas, placed: Placed) -> None:
    _, values, _ = trio.run(_log, canvas.data)
    shutil.rmtree(canvas.data / "snapshot")
    canvas.log.write_bytes(canvas.log.read_bytes().replace(values[0], values[0][:-1] + b"\x55"))
    harmed = canvas.log.read_bytes()
    code, out, _ = placed("check", "--repair", "--data", canvas.data)
    assert code == ExitCode.UNUSABLE
    assert "nothing was repaired: " in out
    assert "Restore a backup" in out
    assert canvas.log.read_bytes() == harmed
    assert _asides(canvas.data / "log") == []


@pytest.mark.parametrize("data", [b"", bytes(100_000), b"SQLite format 3\0" + bytes(8176)])
def test_file_that_is_no_log_is_left_as_it_is(canvas: Canvas, placed: Placed, data: bytes) -> None:
    canvas.log.write_bytes(data)
    code, out, _ = placed("check", "--repair", "--data", canvas.data)
    assert code == ExitCode.UNUSABLE
    assert "nothing was repaired" in out
    assert canvas.log.read_bytes() == data


def test_damaged_first_page_is_made_up_for_by_the_second(canvas: Canvas, placed: Placed) -> None:
    _, values, _ = trio.run(_log, canvas.data)
    data = canvas.log.read_bytes()
    canvas.log.write_bytes(bytes(4096) + data[4096:])
    code, out, _ = placed("check", "--repair", "--data", canvas.data)
    assert code == 0, out
    kept = trio.run(_log, canvas.data)[1]
    assert kept == values[: len(kept)]
    assert len(kept) >= len(values) - 1


async def test_server_starts_on_a_repaired_canvas_and_sends_old_clients_to_the_image(
    canvas: Canvas, placed: Placed
) -> None:
    old_id, values, _ = await _log(canvas.data)
    harm_record(canvas.log, values[6])
    assert (await trio.to_thread.run_sync(lambda: placed("check", "--repair", "--data", canvas.data)))[0] == 0
    async with starting(canvas.data) as server:
        await server.ready()
        assert "snapshot can't be used" not in server.output
        answer = await get(server.port, f"/edits?v={EDITS}&log={old_id}", ("Connection", "close"))
        assert b"event: reload" in answer.body
        assert b"other-log" in answer.body
        await server.stop()
    assert len(await read_records(canvas.data / "log")) == EDITS


def _is_part_in_order(part: list[bytes], whole: list[bytes]) -> bool:
    rest = iter(whole)
    return all(value in rest for value in part)


def test_file_damaged_anywhere_is_called_well_only_if_it_is_and_mended_without_inventing_anything(
    painted: Canvas,
) -> None:
    _, values, _ = trio.run(_log, painted.data)
    data = painted.log.read_bytes()
    outcomes = set()

    @settings(max_examples=80, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(damages(data))
    def look(damage: Callable[[], bytes]) -> None:
        with tempfile.TemporaryDirectory(dir=_SCRATCH) as folder:
            shutil.copytree(painted.data, folder, dirs_exist_ok=True)
            (Path(folder) / "log" / "data.mdb").write_bytes(damage())
            outcomes.add(_mend(Settings(data=Path(folder)), values))

    look()
    assert outcomes >= {"well", "mended"}


def _mend(chosen: Settings, values: list[bytes]) -> str:
    with held_folders(chosen):
        report = check(chosen, _silent)
    if report.is_well:
        assert trio.run(_log, chosen.data)[1] == values
        return "well"
    try:
        with held_folders(chosen):
            repair(chosen, report, _silent)
    except CannotRepair:
        return "refused"
    with held_folders(chosen):
        assert check(chosen, _silent).is_well
    assert _is_part_in_order(trio.run(_log, chosen.data)[1], values)
    return "mended"
