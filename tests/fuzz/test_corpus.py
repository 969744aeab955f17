"""The corpus, with all earlier findings, on every run; and a few more random inputs by Hypothesis."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import CORPUS, NAMES, target_of
from tests.support.parts import require

ROOT = Path(__file__).parents[2]
INPUTS = {name: sorted((CORPUS / name).iterdir()) for name in NAMES}
MOST_BYTES = 200_000


@pytest.mark.parametrize("name", NAMES)
def test_every_input_of_the_corpus_does_no_harm(name: str) -> None:
    for path in INPUTS[name]:
        try:
            target_of(name)(path.read_bytes())
        except Exception as error:
            raise AssertionError(f"{name}/{path.name}") from error


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(data=st.data())
def test_inputs_changed_a_little_do_no_harm_either(name: str, data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from(INPUTS[name])).read_bytes())
    for at, change in data.draw(st.lists(st.tuples(st.integers(0, 2_000), st.binary(max_size=6)), max_size=4)):
        place = at % (len(whole) + 1)
        whole[place : place + len(change) // 2] = change
    target_of(name)(bytes(whole))


def test_corpus_is_small_and_has_something_for_each_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(NAMES)
    assert all(INPUTS.values())
    assert sum(path.stat().st_size for paths in INPUTS.values() for path in paths) < MOST_BYTES


def test_fuzzer_runs(tmp_path: Path) -> None:
    has_it = importlib.util.find_spec("atheris") is not None
    wanted = sys.platform == "linux" and sys.version_info < (3, 14)
    require("atheris", has_it, "pip install atheris") if wanted or has_it else pytest.skip("atheris has no wheel here")
    command = [sys.executable, "-m", "tests.fuzz", "record", "--seconds", "1", "--into", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    assert run.returncode == 0, run.stderr[-2_000:]
    assert "number_of_executed_units" in run.stderr
