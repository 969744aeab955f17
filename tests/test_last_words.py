"""A test that fails beside a server shows the server's last output (`tests.support.server_process`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from tests.support.http_connection import ConnectionCut
from tests.support.server_process import starting
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from pathlib import Path


async def fail_beside_a_server(folder: Path) -> None:
    async with starting(folder, "--no-such-flag") as server:
        await server.wait()
        raise ConnectionCut("the connection was closed")


async def test_what_fails_beside_a_server_tells_how_it_ended_and_what_it_wrote(tmp_path: Path) -> None:
    with pytest.raises(ConnectionCut) as raised:
        await fail_beside_a_server(tmp_path)
    (note,) = raised.value.__notes__
    assert "has ended with 2" in note
    assert "--no-such-flag" in note


async def test_what_takes_too_long_beside_a_server_shows_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with trio.move_on_after(PATIENCE_SECONDS) as scope:
        async with starting(tmp_path, "--no-such-flag") as server:
            await server.wait()
            scope.cancel()
            await trio.sleep_forever()
    shown = capsys.readouterr().err
    assert "has ended with 2" in shown
    assert "--no-such-flag" in shown
