"""Checks an area of a canvas on the command line, for click."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    _AreaType = click.ParamType[tuple[int, int, int, int]]
else:
    _AreaType = click.ParamType  # takes no arguments before click 8.4

_AREA: Final = re.compile(r"([0-9]{1,4}),([0-9]{1,4}),([1-9][0-9]{0,3}),([1-9][0-9]{0,3})", re.ASCII)


class AreaType(_AreaType):
    """An area: x and y of its top left corner, width and height."""

    name = "X,Y,W,H"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int, int]:
        match = _AREA.fullmatch(str(value).replace(" ", ""))
        if match is None:
            self.fail(f"{value!r} is no area; allowed are a corner and a size, such as 100,200,64,32", param, ctx)
        x, y, width, height = map(int, match.groups())
        return x, y, width, height
