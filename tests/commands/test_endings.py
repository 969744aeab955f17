"""Commands that talk to a server end by SIGTERM and SIGHUP like by Ctrl-C, at whatever moment the signal comes."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn

import pytest
import trio
from PIL import Image

from placed.process.exit_codes import ExitCode
from tests.support.server_process import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands.conftest import Command

LIMIT_SECONDS = 60.0


@pytest.mark.parametrize(
    ("words", "number"),
    [
        (("act", "close", "--token-file", "token"), signal.SIGHUP),
        (("paint", "dot.png"), signal.SIGTERM),
        (("timelapse", "f.gif"), signal.SIGHUP),
    ],
    ids=["act", "paint", "timelapse"],
)
def test_command_that_waits_for_a_server_ends_as_by_ctrl_c(
    words: tuple[str, ...], number: signal.Signals, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("pt_any")
    Image.new("RGB", (1, 1), "black").save(tmp_path / "dot.png")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LIMIT_SECONDS)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [sys.executable, "-m", "placed", *words, "--url", url]
        with (
            subprocess.Popen(
                command,
                cwd=tmp_path,
                env={"PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process,
            listener.accept()[0],
        ):  # it sends a request, and gets no answer
            process.send_signal(number)
            out, err = process.communicate(timeout=LIMIT_SECONDS)
    assert (process.returncode, out) == (ExitCode.INTERRUPTED, "")
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dot.png", "token"]


def test_ctrl_c_that_trio_puts_into_a_group_is_one(
    tmp_path: Path, placed: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> NoReturn:
        # As Trio does while several tasks try to make a connection.
        raise BaseExceptionGroup("", [BaseExceptionGroup("", [KeyboardInterrupt()])])

    monkeypatch.setattr(trio, "run", interrupted)
    code, out, _ = placed("act", "list", "--url", "http://127.0.0.1:9", "--token-file", tmp_path / "token")
    assert (code, out) == (ExitCode.INTERRUPTED, "")
