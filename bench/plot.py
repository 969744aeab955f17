"""A report as a picture: a panel of bars for each unit, since figures of different units have no common axis."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from matplotlib.figure import Figure as Picture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_WIDTH_INCHES = 9.0
_BAR_INCHES = 0.24
_PANEL_INCHES = 0.75  # title and axis
_OURS = "#c2410c"
_OTHERS = "#64748b"


def draw(title: str, figures: Sequence[tuple[str, float, str]], path: Path) -> None:
    """Write the figures, each a name, a value and a unit, to `path`, whose ending chooses the format."""
    panels: dict[str, list[tuple[str, float]]] = {}
    for name, value, unit in figures:
        if isfinite(value):
            panels.setdefault(unit or "count", []).append((name, value))
    heights = [_PANEL_INCHES + _BAR_INCHES * len(bars) for bars in panels.values()]
    picture = Picture(figsize=(_WIDTH_INCHES, sum(heights) + 0.4), layout="constrained")
    picture.suptitle(f"bench {title}")
    axes = picture.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (unit, bars) in zip(axes, panels.items(), strict=True):
        names, values = zip(*bars, strict=True)
        colors = [_OURS if name.endswith("placed") else _OTHERS for name in names]
        drawn = axis.barh(range(len(bars)), values, color=colors)
        axis.bar_label(drawn, fmt="{:,.4g}", padding=3, fontsize=8)
        axis.set_yticks(range(len(bars)), names, fontsize=8)
        axis.set_title(unit, fontsize=9, loc="left")
        axis.tick_params(axis="x", labelsize=8)
        axis.invert_yaxis()
        axis.margins(x=0.12)
        axis.spines[["top", "right"]].set_visible(False)
    picture.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)
