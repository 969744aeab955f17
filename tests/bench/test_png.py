"""The bench `png` runs, and is fair: every encoder encodes the same picture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

from bench.png import generated_canvas, png, read_canvas
from placed.canvas import png as placed_png
from placed.canvas.palette import SEED
from tests.support.parts import program, require

if TYPE_CHECKING:
    from pathlib import Path


def test_report_has_every_encoder_s_time_and_size(tmp_path: Path) -> None:
    program("node")
    canvas, report = tmp_path / "canvas.png", tmp_path / "report.json"
    pixels = np.random.default_rng(1).integers(0, 16, (50, 61), np.uint8)
    canvas.write_bytes(placed_png.encode(pixels, SEED.rgb))
    result = CliRunner().invoke(png, ["--canvas", str(canvas), "--turns", "2", "--json", str(report)])
    require("pngjs", "pngjs is missing" not in result.output, "npm ci")
    assert result.exit_code == 0, result.output
    written = json.loads(report.read_text(encoding="utf-8"))
    assert {"placed", "Pillow, level 6", "pngjs, RGB"} <= written["details"].keys()
    assert all(len(turns) == 2 and turns[0]["bytes"] > 0 for turns in written["details"].values())
    assert "pngjs / placed: CPU" in [figure["name"] for figure in written["figures"]]


def test_canvas_is_read_from_an_indexed_png(tmp_path: Path) -> None:
    made_up = generated_canvas()
    path = tmp_path / "canvas.png"
    path.write_bytes(placed_png.encode(made_up.pixels, made_up.rgb))
    read = read_canvas(path)
    assert np.array_equal(read.pixels, made_up.pixels)
    assert read.rgb == made_up.rgb


@pytest.mark.parametrize("name", ["missing.png", "text.png"])
def test_what_is_no_canvas_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture", encoding="utf-8")
    result = CliRunner().invoke(png, ["--canvas", str(tmp_path / name)])
    assert result.exit_code == 1
    assert result.output.startswith("Error: --canvas: ")
    assert result.output.count("\n") == 1
