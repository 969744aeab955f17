"""docs/security.md only names tests that exist, and the same limits as the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from placed.http.body import BODY_BYTES, EDITS_BODY_BYTES
from placed.http.lanes.connection import HEAD_BYTES, MAX_FIELDS, Limits
from tests.fuzz.__main__ import NAMES

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs/security.md").read_text(encoding="utf-8")
DEFINED = {
    name
    for path in TESTS.rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
}


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 20
    assert named <= DEFINED


def test_every_act_names_a_test() -> None:
    table = PAGE.partition("| act |")[2].partition("\n\n")[0].splitlines()[2:]
    assert [row for row in table if "`test_" not in row] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_target_of_fuzzing_is_named(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_limits_are_those_of_the_code() -> None:
    limits = Limits()
    assert f"408 after {limits.head_seconds:g} s" in PAGE
    assert f"cut after {limits.send_seconds:g} s" in PAGE
    assert f"closed after {limits.idle_seconds:g} s" in PAGE
    assert f"{HEAD_BYTES // 1024} KB and {MAX_FIELDS} fields of a head, {BODY_BYTES // 1024} KB of a body" in PAGE
    assert f"{EDITS_BODY_BYTES // 1024} KB of one with many edits" in PAGE
