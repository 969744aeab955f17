"""A new setting is one row: a further row in the table makes its flag, variable, key, help line and row of the docs.

The command line makes its options when it is imported, so each test runs in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
LIMIT_SECONDS: Final = 60.0
WITH_A_ROW_MORE: Final = """
import sys
import attrs
from placed.commands.settings import values as table
from placed.commands.settings.kind import whole
from placed.commands.settings.setting import many_of, setting

@attrs.frozen(kw_only=True)
class Settings(table.Settings):
    shade: int = setting(table.CANVAS, whole(1, 9), "How dark `blank` pixels are.", more="See *Shades*.", default=5)
    friends: tuple[int, ...] = many_of(table.SITES, whole(1, 9), "Number of a friend.", name="friend")

table.Settings, table.SETTINGS = Settings, table.table(Settings, table.SHORT_FOR_A_RULE)
"""
COMMAND_LINE: Final = "from placed.commands.cli import main\nsys.exit(main(sys.argv[1:], serve=lambda settings: 0))\n"
DOCS: Final = "from tests.settings_page import tables\nprint(tables())\n"


def _run(script: str, *args: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PLACED_")} | variables
    command = [sys.executable, "-c", WITH_A_ROW_MORE + script, *args]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )


def test_new_setting_is_in_the_help() -> None:
    shown = " ".join(_run(COMMAND_LINE, "--help").stdout.split())
    assert "--shade COUNT How dark blank pixels are. [1 to 9; default: 5]" in shown
    assert "--friend COUNT Number of a friend. [1 to 9; can be repeated]" in shown


def test_new_setting_is_in_the_docs() -> None:
    lines = _run(DOCS).stdout.splitlines()
    assert (
        "| `--shade` | `PLACED_SHADE` | `shade` | How dark `blank` pixels are. See *Shades*. 1 to 9. | `5` |" in lines
    )


@pytest.mark.parametrize(
    ("flags", "variables", "place"),
    [
        (["--shade", "3", "--friend", "1", "--friend", "2"], {}, "--shade"),
        ([], {"PLACED_SHADE": "3", "PLACED_FRIEND": "1,2"}, "PLACED_SHADE"),
        (["--config", "FILE"], {}, "FILE, line 1"),
    ],
    ids=["flag", "variable", "key"],
)
def test_new_setting_is_taken_from_each_place(
    flags: list[str], variables: dict[str, str], place: str, tmp_path: Path
) -> None:
    file = tmp_path / "placed.toml"
    file.write_text("shade = 3\nfriend = [1, 2]\n", encoding="utf-8")
    args = [flag.replace("FILE", str(file)) for flag in flags]
    done = _run(COMMAND_LINE, "--check-config", "--port", "0", "--data", str(tmp_path / "data"), *args, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    lines = {line.partition(" = ")[0]: line for line in done.stdout.splitlines()}
    assert lines["shade"].split() == ["shade", "=", "3", "#", *place.replace("FILE", str(file)).split()]
    assert lines["friend"].startswith("friend = [1, 2] ")


@pytest.mark.parametrize(
    ("flags", "variables", "message"),
    [
        (["--shade", "0"], {}, "--shade: '0'; allowed is a whole number from 1 to 9"),
        ([], {"PLACED_SHADE": "x"}, "PLACED_SHADE: 'x'; allowed is a whole number from 1 to 9"),
        ([], {"PLACED_SHADES": "3"}, "PLACED_SHADES is not a setting; did you mean PLACED_SHADE?"),
    ],
)
def test_wrong_value_of_a_new_setting_is_refused(flags: list[str], variables: dict[str, str], message: str) -> None:
    done = _run(COMMAND_LINE, *flags, **variables)
    assert (done.returncode, done.stderr) == (2, f"placed: {message}\n")
