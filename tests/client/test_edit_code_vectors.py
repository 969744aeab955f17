"""The edit code's vectors, which `edit_code.test.js` unpacks: Python must pack them to the same bytes."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from placed.canvas.edit_code import EditCode

LAYOUTS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("edit_code_vectors.json").read_text())["layouts"]


@pytest.mark.parametrize("vector", LAYOUTS, ids=lambda v: f"{v['width']}x{v['height']}x{v['colors']}")
def test_python_packs_the_vectors_that_the_client_unpacks(vector: dict[str, Any]) -> None:
    code = EditCode.of(vector["width"], vector["height"], vector["colors"])
    edits = np.array(vector["edits"])
    packed = code.pack(edits[:, 0].astype(np.uint16), edits[:, 1].astype(np.uint16), edits[:, 2].astype(np.uint8))
    assert base64.b64encode(packed).decode() == vector["base64"]
    assert vector["layout"] == {
        "x_bits": code.x_bits,
        "y_bits": code.y_bits,
        "color_bits": code.color_bits,
        "bytes": code.size_bytes,
    }
