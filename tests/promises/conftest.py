"""What the promises' tests share: random numbers that can be had again."""

from __future__ import annotations

import os
import random

import pytest


@pytest.fixture
def chance() -> random.Random:
    """Random numbers from a seed that a failing test shows; `PROMISES_SEED=N` gives the same ones again."""
    seed = int(os.environ.get("PROMISES_SEED") or random.randrange(2**32))
    print(f"PROMISES_SEED={seed}")  # noqa: T201 - pytest shows it when the test fails
    return random.Random(seed)
