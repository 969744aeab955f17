"""A test that fails beside a server shows what the server had to say (`tests.support.server_process`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.http_connection import ConnectionCut
from tests.support.server_process import starting

if TYPE_CHECKING:
    from pathlib import Path


async def test_what_fails_beside_a_server_tells_how_it_ended_and_what_it_wrote(tmp_path: Path) -> None:
    with pytest.raises(ConnectionCut) as raised:
        async with starting(tmp_path, "--no-such-flag"):
            raise ConnectionCut("the connection was closed")
    (note,) = raised.value.__notes__
    assert "has ended with 2" in note
    assert "--no-such-flag" in note
