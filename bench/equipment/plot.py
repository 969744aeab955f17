"""A report as a picture: a panel of bars for each unit, since figures of different units have no common axis; or a
panel of lines over time for each series."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from matplotlib.figure import Figure as Picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_WIDTH_INCHES = 9.0
_BAR_INCHES = 0.24
_PANEL_INCHES = 0.75  # title and axis
_LINES_INCHES = 1.6
_OURS = "#c2410c"
_OTHERS = "#64748b"


def draw(title: str, figures: Sequence[tuple[str, float, str]], path: Path) -> None:
    """Write the figures, each a name, a value and a unit, to `path`; the ending of its name decides the format."""
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
    _save(picture, path)


def draw_lines(
    title: str, panels: Sequence[tuple[str, str, Sequence[float], Mapping[str, Sequence[float]]]], path: Path
) -> None:
    """Write panels of lines to `path`, one below the other: each has a title, a unit, the minutes, and the lines."""
    height = _LINES_INCHES * len(panels) + 0.6
    picture = Picture(figsize=(_WIDTH_INCHES, height), layout="constrained")
    picture.suptitle(f"bench {title}")
    axes = picture.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0]
    for axis, (name, unit, minutes, lines) in zip(axes, panels, strict=True):
        for (label, values), color in zip(lines.items(), (_OURS, _OTHERS, "#0f766e", "#7c3aed"), strict=False):
            axis.plot(minutes, values, label=label, color=color, linewidth=1.0)
        axis.set_title(f"{name}, {unit}" if unit else name, fontsize=9, loc="left")
        axis.tick_params(labelsize=8)
        axis.set_ylim(bottom=0)
        axis.legend(fontsize=7, loc="lower right", frameon=False)
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel("minutes", fontsize=8)
    _save(picture, path)


def _save(picture: Picture, path: Path) -> None:
    picture.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)
