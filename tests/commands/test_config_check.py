"""`placed --check-config` shows the settings, their sources, and whether a start would work; it changes nothing."""

from __future__ import annotations

import shutil
import socket
import tomllib
from typing import TYPE_CHECKING

import pytest

from placed.process.exit_codes import ExitCode
from tests.support.offline_log import append_records, canvas_record
from tests.support.placed_command import run_placed
from tests.support.server_process import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.placed_command import Done


def _check_config(data: Path, *flags: str, **variables: str) -> Done:
    done = run_placed("--check-config", "--port", "0", "--data", data, *flags, **variables)
    assert "Traceback" not in done.err
    return done


def _place(printed: str, key: str) -> str:
    (line,) = [line for line in printed.splitlines() if line.startswith(f"{key} = ")]
    return line.rpartition(" # ")[2]


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    return sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*"))


def test_every_setting_is_printed_with_its_value_and_where_it_comes_from(tmp_path: Path) -> None:
    config = tmp_path / "placed.toml"
    config.write_text('# mine\nwidth = 65\npalette = "reddit-2022"\n', encoding="utf-8")
    flags = ("--config", str(config), "--trusted-proxy", "::1", "--no-fast-lane")
    code, printed, errors = _check_config(tmp_path / "data", *flags, PLACED_COOLDOWN="30")
    assert (code, errors) == (0, "")
    told = tomllib.loads(printed)
    assert (told["width"], told["height"], told["palette"]) == (65, 1000, "reddit-2022")
    assert (told["charges"], told["charge-seconds"], told["trusted-proxy"]) == (1, 30.0, ["::1/128"])
    assert told["log"] == f"lmdb:{tmp_path / 'data' / 'log'}"
    assert _place(printed, "width") == f"{config}, line 2"
    assert _place(printed, "charges") == "PLACED_COOLDOWN"
    assert _place(printed, "fast-lane") == "--fast-lane"
    assert _place(printed, "host") == _place(printed, "height") == "default"
    assert "# certificate is not set\n" in printed
    assert [path.name for path in tmp_path.iterdir()] == ["placed.toml"]


def test_what_is_printed_is_a_config_file_that_says_the_same(tmp_path: Path) -> None:
    _, printed, _ = _check_config(tmp_path / "data", "--charges", "3", "--allow-origin", "http://a")
    config = tmp_path / "again.toml"
    config.write_text(printed, encoding="utf-8")
    code, again, _ = _check_config(tmp_path / "data", "--config", str(config))
    assert code == 0
    assert tomllib.loads(again) == tomllib.loads(printed)


def test_password_is_not_shown(tmp_path: Path) -> None:
    flags = ("--kafka-protocol", "sasl_ssl", "--kafka-user", "anna")
    code, printed, errors = _check_config(tmp_path, *flags, PLACED_KAFKA_PASSWORD="hush-hush")
    assert code == 0
    assert "hush-hush" not in printed + errors
    assert "PLACED_KAFKA_PASSWORD is set" in printed


async def test_canvas_that_is_there_says_its_own_size(tmp_path: Path) -> None:
    await append_records(tmp_path / "log", [canvas_record(7, 5, 3)])
    before = _listing(tmp_path)
    code, printed, errors = _check_config(tmp_path)
    assert (code, errors) == (0, "")
    told = tomllib.loads(printed)
    assert (told["width"], told["height"]) == (7, 5)
    assert _place(printed, "width") == f"the canvas in {tmp_path}"
    code, _, errors = _check_config(tmp_path, PLACED_WIDTH="65")
    assert code == ExitCode.UNUSABLE
    assert "start without PLACED_WIDTH=65, or with another --data" in errors
    assert _listing(tmp_path) == before


async def test_while_the_server_runs_its_port_and_folder_are_its_own(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        code, printed, errors = _check_config(tmp_path, "--port", str(server.port), "--charges", "3")
        assert (code, errors) == (0, "")
        assert printed.startswith(f"# a server (process {server.pid}) uses the data folder now")
        assert tomllib.loads(printed)["width"] == 64
        await server.stop()


@pytest.fixture
def busy_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield str(listening.getsockname()[1])


@pytest.mark.parametrize(
    ("variables", "code", "words"),
    [
        ({"PLACED_CERTIFICATE": "no.pem"}, ExitCode.BAD_USAGE, "no.pem: can't be read"),
        ({"PLACED_AUTHOR_KEY_FILE": "no.key"}, ExitCode.UNUSABLE, "no.key can't be used"),
        ({"PLACED_LOG": "lmdb:/dev/null/log"}, ExitCode.UNUSABLE, "see PLACED_LOG"),
        ({"PLACED_HOST": "192.0.2.1"}, ExitCode.CANNOT_LISTEN, "choose another with PLACED_HOST and --port"),
    ],
)
def test_start_that_would_fail_is_told_with_its_exit_code(
    tmp_path: Path, variables: dict[str, str], code: ExitCode, words: str
) -> None:
    ended, printed, errors = _check_config(tmp_path / "data", **variables)
    assert ended == code
    assert errors.startswith("placed: a start would fail: ")
    assert words in errors
    assert _place(printed, "port") == "--port"
    assert list(tmp_path.iterdir()) == []


def test_port_that_is_busy_is_told(tmp_path: Path, busy_port: str) -> None:
    code, _, errors = _check_config(tmp_path / "data", "--port", busy_port)
    assert code == ExitCode.CANNOT_LISTEN
    assert f"127.0.0.1:{busy_port}: the address is in use" in errors


async def test_log_that_is_damaged_at_its_beginning_is_told(tmp_path: Path) -> None:
    await append_records(tmp_path / "log", [canvas_record(7, 5, 3)])
    (file,) = (tmp_path / "log").glob("data.*")
    shutil.copyfile("/dev/null", file)
    code, _, errors = _check_config(tmp_path)
    assert code == ExitCode.UNUSABLE
    assert "is damaged" in errors
