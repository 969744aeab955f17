"""Writes the tables of docs/settings.md from the table of settings: `python -m tests.settings_page`.

Each table is below a section's heading, between two lines that readers don't see. Everything else on the page is
written by hand.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from placed.commands.settings.sections import SECTIONS
from placed.commands.settings.shown import in_docs
from placed.commands.settings.values import SETTINGS

PAGE: Final = Path(__file__).parents[1] / "docs/settings.md"
_BEGIN, _END = "<!-- from the table of settings: -->\n", "<!-- until here -->\n"
_HEAD: Final = "| flag | variable | key in the file | what it is | default |\n|---|---|---|---|---|\n"


def tables() -> str:
    """The heading and the table of every section."""
    return "".join(f"\n### {section}\n\n{_HEAD}{_rows(section)}" for section in SECTIONS)


def _rows(section: str) -> str:
    # A bar would end the table's cell.
    rows = [in_docs(row) for row in SETTINGS.values() if row.section == section]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in rows)


def with_tables(page: str) -> str:
    """The page with the new tables; text that is written by hand stays."""
    pattern = rf"(?<={re.escape(_BEGIN)}).*?(?={re.escape(_END)})"
    made, count = re.subn(pattern, lambda _: f"{tables()}\n", page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{PAGE.name} has {count} places for the tables; there must be one")
    return made


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
