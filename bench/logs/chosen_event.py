"""The event that a bench plays, as its flags choose it: a real one, from a file, or a generated one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.logs.trace import BadTrace, generate, load

if TYPE_CHECKING:
    from bench.logs.trace import Trace

trace_option = click.option(
    "--trace",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A real event as .npz (see bench/logs/trace.py), instead of a generated one.",
)
edits_option = click.option(
    "--edits",
    default=2_000_000,
    show_default=True,
    type=click.IntRange(1, 100_000_000),
    help="Edits of the generated event.",
)
states_option = click.option(
    "--states", default=48, show_default=True, type=click.IntRange(1, 1000), help="States of the generated event."
)
record_edits_option = click.option("--record-edits", default=1_000, show_default=True, type=click.IntRange(1, 16_384))


def chosen_event(trace: Path | None, *, states: int, edits: int) -> Trace:
    """The event in the file `trace`, or a generated one with `states` states and `edits` edits.

    Raises:
        click.BadParameter: the file has none.
    """
    if trace is None:
        return generate(states=states, edits=edits)
    try:
        return load(trace)
    except BadTrace as error:
        raise click.BadParameter(str(error), param_hint="--trace") from error


def source_of(trace: Path | None) -> str:
    """The event's name in a report."""
    return "generated" if trace is None else trace.name
