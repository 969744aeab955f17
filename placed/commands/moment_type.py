"""Checks a moment on the command line, for click."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from placed.canvas.clock import wall_clock_ms
from placed.commands.import_.values import BadValue
from placed.commands.moments import moment_of

if TYPE_CHECKING:
    _MomentType = click.ParamType[int]
else:
    _MomentType = click.ParamType  # takes no arguments before click 8.4


class MomentType(_MomentType):
    """A moment, in ms since the epoch.

    Args:
        ahead: whether 24h means a day from now; otherwise it means a day ago.
    """

    name = "MOMENT"

    def __init__(self, *, ahead: bool = False) -> None:
        self._ahead = ahead

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return moment_of(str(value), wall_clock_ms(), ahead=self._ahead)
        except BadValue as error:
            self.fail(str(error), param, ctx)
