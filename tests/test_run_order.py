"""The order of the test files only names files that exist, and each worker's long files come first."""

from __future__ import annotations

from pathlib import Path

from tests.support.run_order import LONGEST_FIRST, SLOW, is_slow

ROOT = Path(__file__).parents[1]


def test_every_file_and_folder_it_names_is_there() -> None:
    assert [name for name in (*LONGEST_FIRST, *SLOW) if not (ROOT / name).exists()] == []


def test_what_is_slow_is_left_out_by_the_name_of_its_file_or_folder() -> None:
    assert is_slow(ROOT / "tests/promises", ROOT)
    assert is_slow(ROOT / "tests/service/test_lifecycle.py", ROOT)
    assert not is_slow(ROOT / "tests/http", ROOT)
    assert not is_slow(ROOT, ROOT)
