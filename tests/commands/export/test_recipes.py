"""The recipes of docs/data.md, run as they are printed, and their results."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import trio

from placed.canvas.events import Edits
from tests.support.offline_log import append_records, canvas_record

if TYPE_CHECKING:
    from tests.commands.conftest import Command

DOCS = Path(__file__).parents[3] / "docs" / "data.md"
PAINTED = [(1, 1, 1, 7), (1, 1, 2, 8), (2, 1, 1, 7), (1, 1, 3, 7), (3, 3, 1, 9)]


def _recipe(name: str) -> str:
    found = re.search(rf"```python {name}\n(.+?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert found, name
    return found[1]


@pytest.fixture
def exported(tmp_path: Path, placed: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder to work in, with an export of five edits."""
    values = [canvas_record(10, 10, 4), *(Edits.one(*edit).encode() for edit in PAINTED)]
    trio.run(append_records, tmp_path / "data" / "log", values)
    assert placed("export", tmp_path / "edits.parquet", "--data", tmp_path / "data")[0] == 0
    monkeypatch.chdir(tmp_path)


def _run(name: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(_recipe(name), f"{DOCS}: {name}", "exec"), names)
    return names


@pytest.mark.usefixtures("exported")
def test_pandas() -> None:
    names = _run("pandas")
    assert names["busiest"].to_dict() == {f"{7:016x}": 3, f"{8:016x}": 1, f"{9:016x}": 1}
    assert int(names["per_hour"].sum()) == 5


@pytest.mark.usefixtures("exported")
def test_polars() -> None:
    held = {row["author"]: row["len"] for row in _run("polars")["held"].to_dicts()}
    assert held == {7: 2, 9: 1}


@pytest.mark.usefixtures("exported")
def test_duckdb() -> None:
    names = _run("duckdb")
    assert names["fought"][0] == (1, 1, 3, 2)
    assert set(names["then"]) <= {(1, 1, "#030303"), (2, 1, "#010101"), (3, 3, "#010101")}


@pytest.mark.usefixtures("exported")
def test_a_table_for_the_public_has_no_authors() -> None:
    _run("without-authors")
    table = pq.read_table("public.parquet")
    assert "author" not in table.column_names
    assert np.array_equal(table["x"].to_numpy(), [edit[0] for edit in PAINTED])
