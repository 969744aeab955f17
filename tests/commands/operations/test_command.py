"""The operator's commands on the command line: they have the server's settings, from the same sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from placed.__main__ import serve
from placed.commands.cli import main
from placed.process.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path


def test_settings_of_the_server_say_where_the_canvas_to_check_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLACED_PORT", "not a port")  # a check doesn't use it
    monkeypatch.setenv("PLACED_DATA", str(tmp_path / "here"))
    assert main(["check"], serve=serve) == ExitCode.UNUSABLE
    assert str(tmp_path / "here") in capsys.readouterr().err


def test_wrong_settings_of_a_command_are_told_like_the_server_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--log", "sqlite:x"], serve=serve) == ExitCode.BAD_USAGE
    assert capsys.readouterr().err.startswith("placed: --log: 'sqlite:x'; allowed is")
    assert main(["--data", "x", "check"], serve=serve) == ExitCode.BAD_USAGE
    assert "flags of check come after the word check" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["paint", "check", "backup"])
def test_each_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"], serve=serve) == 0
    assert capsys.readouterr().out.startswith(f"Usage: placed {command} ")
