"""The vectors of the quantising, which `templates_quantise.test.js` reads: Python must find the same indexes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from placed.canvas.quantise import quantise

VECTORS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("quantise_vectors.json").read_text())["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{len(v['palette'])} colors")
def test_python_finds_the_indexes_that_the_client_finds(vector: dict[str, Any]) -> None:
    palette, colors = (
        np.array([list(bytes.fromhex(color[1:])) for color in vector[name]], np.uint8) for name in ("palette", "colors")
    )
    picture = colors[None]  # one row
    found = quantise(picture, np.ones(picture.shape[:2], bool), palette, "none")
    assert found[0].tolist() == vector["indexes"]
