"""The report of a bench: figures beside their targets, as a table and as JSON."""

from __future__ import annotations

import json
import math
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from placed import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

_PLOT = f"{__name__}.plot"
Command = TypeVar("Command", bound="Callable[..., Any]")


@attrs.frozen
class Target:
    """The limit for a figure: less than `limit`, or at least `limit`; with `inclusive`, at most `limit`."""

    limit: float
    at_least: bool = False
    inclusive: bool = False

    def met(self, value: float) -> bool:
        """Whether `value` meets the target."""
        return value >= self.limit if self.at_least else value < self.limit or (self.inclusive and value == self.limit)

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'at most' if self.inclusive else 'under'} {_amount(self.limit)}"


@attrs.frozen
class Figure:
    """One measured number."""

    name: str
    value: float
    unit: str
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the figure meets its target; None without a target."""
        return None if self.target is None else self.target.met(self.value)


@attrs.frozen
class Series:
    """Lines over time, for the plot.

    Attributes:
        minutes: the times, in minutes.
        lines: the values at those times, by the line's name.
    """

    title: str
    unit: str
    minutes: list[float]
    lines: dict[str, list[float]]


@attrs.frozen(kw_only=True)
class Report:
    """The outcome of one bench.

    Attributes:
        bench: name of the command.
        figures: in the table's order.
        options: options of the run.
        details: the raw data behind the figures, ready for JSON.
        notes: sentences to print below the table.
        series: what to plot instead of the figures.
    """

    bench: str
    figures: list[Figure]
    options: dict[str, Any]
    details: dict[str, Any] = attrs.field(factory=dict)
    notes: list[str] = attrs.field(factory=list)
    series: list[Series] = attrs.field(factory=list)

    def publish(self, json_path: Path | None) -> None:
        """Print the table, and write the JSON and the plot if the options ask for them."""
        about = machine()
        plot_path = click.get_current_context().meta.get(_PLOT)
        if plot_path is not None:
            from bench.equipment.plot import draw, draw_lines

            if self.series:
                panels = [(each.title, each.unit, each.minutes, each.lines) for each in self.series]
                draw_lines(self.bench, panels, plot_path)
            else:
                draw(self.bench, [(figure.name, figure.value, figure.unit) for figure in self.figures], plot_path)
        if json_path is not None:
            json_path.write_text(json.dumps(self._as_json(about), indent=1) + "\n", encoding="utf-8")
        console = Console(highlight=False)
        console.print(self._table())
        for note in self.notes:
            console.print(note)
        console.print(
            f"{about['processor']}, {about['cores']} cores, load {about['load_1_minute']:.1f}; "
            f"{about['system']}; Python {about['python']}; placed {__version__}"
        )

    def _as_json(self, about: dict[str, Any]) -> dict[str, Any]:
        figures = [
            {
                "name": figure.name,
                "value": figure.value,
                "unit": figure.unit,
                "target": str(figure.target) if figure.target else None,
                "met": figure.met,
            }
            for figure in self.figures
        ]
        return {
            "bench": self.bench,
            "machine": about,
            "options": self.options,
            "figures": figures,
            "details": self.details,
        }

    def _table(self) -> Table:
        table = Table(title=f"bench {self.bench}", title_justify="left")
        table.add_column("figure")
        table.add_column("measured", justify="right")
        table.add_column("unit")
        table.add_column("target")
        table.add_column("")
        verdict = {None: "", True: "[green]met[/green]", False: "[red]MISSED[/red]"}
        for figure in self.figures:
            target = str(figure.target) if figure.target else ""
            table.add_row(figure.name, _amount(figure.value), figure.unit, target, verdict[figure.met])
        return table


def _amount(value: float) -> str:
    if not math.isfinite(value):  # it never came, or wasn't measured
        return "-"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def machine() -> dict[str, Any]:
    """The machine that this runs on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_1_minute": os.getloadavg()[0],
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def json_option(command: Command) -> Command:
    """The options of every bench: --json, as the argument `json_path`, and --plot, which `Report.publish` reads."""
    path = click.Path(path_type=Path, dir_okay=False, writable=True)
    command = click.option(
        "--plot",
        type=path,
        metavar="FILE",
        expose_value=False,
        callback=_keep_plot,
        help="Draw the figures into this .png or .svg file.",
    )(command)
    return click.option(
        "--json", "json_path", type=path, metavar="FILE", help="Write the figures into this JSON file."
    )(command)


def _keep_plot(context: click.Context, _parameter: click.Parameter, path: Path | None) -> None:
    """Keep the path for `Report.publish`, because the bench itself doesn't need it."""
    if path is not None and path.suffix not in (".png", ".svg"):
        raise click.BadParameter(f"{path.name!r}; allowed are names that end in .png or .svg", param_hint="--plot")
    context.meta[_PLOT] = path


def progress_bar(unit: str) -> Progress:
    """A bar on standard error that counts in `unit`, gone at the end; silent where there is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty())
