"""How fast the people of an event paint: the flag for it, and the figures of the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bench.equipment.report import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping

rate_option = click.option(
    "--rate",
    default=333.0,
    show_default=True,
    type=click.FloatRange(0.1, 10_000),
    help="Edits a second, of all people together.",
)


def placed_figures(placed: Mapping[str, int]) -> list[Figure]:
    """How many edits had which result, by the status of their answers."""
    refused = {status: count for status, count in placed.items() if status != "200"}
    return [
        Figure("edits placed", float(placed.get("200", 0)), ""),
        *(Figure(f"edits not placed: {status}", float(count), "") for status, count in refused.items()),
    ]
