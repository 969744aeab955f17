"""docs/settings.md names every setting, and no others; so does --help."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from placed.canvas.palette import BUILT_IN
from placed.canvas.palette_files import load_palette
from placed.commands.cli import HANDOVER_VARIABLE, OTHER_VARIABLES, cli
from placed.commands.settings.config_file import read_config_file
from placed.commands.settings.kafka import KAFKA_MECHANISMS, KAFKA_PROTOCOLS
from placed.commands.settings.origin import flag_of
from placed.commands.settings.values import SETTINGS
from placed.process.exit_codes import ExitCode
from placed.telemetry.log_choices import FORMATS, LEVELS
from tests import settings_page
from tests.settings_page import with_tables

if TYPE_CHECKING:
    from pathlib import Path

PAGE = settings_page.PAGE.read_text(encoding="utf-8")
FLAGS = {
    flag
    for param in cli.get_params(cli.make_context("placed", [], resilient_parsing=True))
    for flag in (*param.opts, *param.secondary_opts)
}


def test_tables_of_the_page_are_those_of_the_table_of_settings() -> None:
    assert with_tables(PAGE) == PAGE, "python -m tests.settings_page writes them"


def test_page_without_one_place_for_the_tables_is_refused() -> None:
    with pytest.raises(ValueError, match=r"settings\.md has 0 places"):
        with_tables("# Settings\n")


def test_every_flag_is_on_the_page_and_the_page_has_no_other() -> None:
    assert set(re.findall(r"`(--[a-z-]+)", PAGE)) == FLAGS - {"-h"}


def test_every_variable_of_the_page_is_one_that_the_command_line_reads() -> None:
    read = {param.envvar for param in cli.params if param.envvar} | {*OTHER_VARIABLES, HANDOVER_VARIABLE}
    assert set(re.findall(r"PLACED_[A-Z_]+", PAGE)) == read


def test_page_has_the_defaults_in_a_form_that_settings_take() -> None:
    shown = dict(re.findall(r"^\| `(--[a-z-]+)` \|.*\| `([^` ]+)` \|$", PAGE, re.MULTILINE))
    for row in SETTINGS.values():
        if not row.many and not row.instead and row.default is not None:
            assert row.check(shown[flag_of(row.name)]) == row.default


def test_example_file_is_accepted(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "placed.toml"
    path.write_text(example, encoding="utf-8")
    for setting, value in read_config_file(path).values.items():
        SETTINGS[setting].check(value)
    assert tomllib.loads(example)


@pytest.mark.parametrize(
    "word", [*BUILT_IN, *LEVELS, *FORMATS, *KAFKA_PROTOCOLS, *KAFKA_MECHANISMS, ".hex", ".gpl", ".json"]
)
def test_every_word_that_is_allowed_is_on_the_page(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_palettes_are_as_large_as_the_page_says() -> None:
    sizes = [len(load_palette(name)) for name in re.findall(r"`(seed|reddit-\d+)` \(", PAGE)]
    assert sizes == [16, 16, 32]


def test_every_exit_code_is_on_the_page_and_in_the_help() -> None:
    codes = [str(int(code)) for code in ExitCode]
    assert re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE) == codes
    shown = CliRunner().invoke(cli, ["--help"]).output.partition("Exit codes:")[2]
    assert re.findall(r"^  (\d+) ", shown, re.MULTILINE) == codes


def test_help_shows_every_flag() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    assert {flag for flag in FLAGS if re.search(rf"^  .*{flag}\b", result.output, re.MULTILINE)} == FLAGS
