"""Puts the findings of a check into text and JSON. Pure."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from pathlib import Path


@attrs.frozen
class Problem:
    """Damage, or a fault, that a check found.

    Attributes:
        part: log, snapshot, people, author key or folder.
        what: the problem.
        remedy: how the operator can solve it.
    """

    part: str
    what: str
    remedy: str


@attrs.define
class Report:
    """The findings of one check, which fills them in as it goes on.

    Attributes:
        data: the data folder.
        log: facts about the log, by name.
        canvas: facts about the canvas.
        snapshot: facts about the snapshot; None if there is none.
        people: the number of each kind of record in the people store; None if there is none.
        problems: all problems.
        notes: facts for the operator that are no problems.
        repaired: the repairs, as sentences.
    """

    data: str
    log: dict[str, Any] = attrs.field(factory=dict)
    canvas: dict[str, Any] = attrs.field(factory=dict)
    snapshot: dict[str, Any] | None = None
    people: dict[str, int] | None = None
    problems: list[Problem] = attrs.field(factory=list)
    notes: list[str] = attrs.field(factory=list)
    repaired: list[str] = attrs.field(factory=list)

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def add(self, part: str, what: str, remedy: str) -> None:
        """Add a problem."""
        self.problems.append(Problem(part, what, remedy))

    def moved(self, before: Path, after: Path) -> Report:
        """The same report, for the folder's new name."""
        log = self.log | {"url": self.log["url"].replace(str(before), str(after))}
        return attrs.evolve(self, data=self.data.replace(str(before), str(after)), log=log)

    def as_json(self) -> str:
        """The whole report, on one line."""
        return json.dumps({"well": self.is_well, **attrs.asdict(self)})

    def as_text(self) -> str:
        """The whole report, for people."""
        lines = [f"data folder  {self.data}"]
        lines += _block("log", _log_lines(self.log))
        if self.canvas:
            size = f"{self.canvas['width']} x {self.canvas['height']} pixels, {self.canvas['colors']} colours"
            lines += _block("canvas", [size])
        lines += _block("snapshot", _snapshot_lines(self.snapshot))
        lines += _block("people", _count_lines(self.people))
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"repaired: {done}" for done in self.repaired]
        lines += [f"PROBLEM: {one.part}: {one.what}. {one.remedy}" for one in self.problems]
        lines.append("all is well" if self.is_well else "NOT WELL: see above")
        return "\n".join(lines)


def _block(title: str, lines: list[str]) -> list[str]:
    return [f"{title if number == 0 else '':11}  {line}" for number, line in enumerate(lines)]


def _log_lines(log: dict[str, Any]) -> list[str]:
    lines = [log["url"] + (f", {log['id']}" if "id" in log else "")]
    if "records" in log:
        lines.append(
            f"{log['records']:,} records, offsets {log['first']:,} up to {log['next']:,}, {log['edits']:,} edits"
        )
        if log["records"]:
            lines.append(f"from {_time(log['first_ms'])} to {_time(log['last_ms'])}")
    if "pages" in log:
        lines.append(f"every one of {log['pages']:,} pages and {log['records']:,} checksums is right")
    return lines


def _snapshot_lines(snapshot: dict[str, Any] | None) -> list[str]:
    if snapshot is None:
        return ["none; a start reads the whole log"]
    line = f"version {snapshot['version']:,}, {snapshot['authors']:,} authors, its checksum is right"
    return [line, "its canvas is the log's at that version"] if snapshot.get("equals_log") else [line]


def _count_lines(counted: dict[str, int] | None) -> list[str]:
    if counted is None:
        return []
    counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counted.items())
    return [counts, "every page and every record is right"]


def _time(time_ms: int) -> str:
    return dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
