"""Variables that look like ours but aren't settings; and the messages that say where each setting comes from."""

from __future__ import annotations

import logging
import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from placed.__main__ import serve
from placed.commands.cli import HANDOVER_VARIABLE, main
from placed.commands.settings.origin import Origin
from placed.commands.settings.variables import why_unknown
from placed.process import handover

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from placed.commands.settings.values import Settings

KNOWN = ("PLACED_PORT", "PLACED_COOLDOWN", "PLACED_HOST")


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Settings]]:
    """The settings that the command line would have passed to the server."""
    for variable in [name for name in os.environ if name.startswith("PLACED_")]:
        monkeypatch.delenv(variable)
    served: list[Settings] = []

    def run(settings: Settings) -> int:
        served.append(settings)
        return 0

    monkeypatch.setitem(sys.modules, "placed.service.process", SimpleNamespace(run=run))
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield served
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PLACED_PORT", "1"),
        ("PLACED_COOLDWON", ""),  # an empty value counts as not set
        ("PLACEDX", "1"),
        ("PATH", "/bin"),
        ("PLACED_HANDOVER", "7"),
        ("PLACED_SERVICE_HOST", "10.0.0.7"),
        ("PLACED_SERVICE_PORT_HTTP", "80"),
        ("PLACED_PORT_80_TCP_ADDR", "10.0.0.7"),
        ("PLACED_WEB_SERVICE_PORT", "80"),
        ("PLACED_WEB_PORT", "tcp://10.0.0.7:80"),  # from Kubernetes, for a Service named placed-web
    ],
)
def test_variable_that_is_known_or_not_ours_is_no_mistake(name: str, value: str) -> None:
    assert why_unknown({name: value}, KNOWN, "PLACED_HANDOVER") is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("PLACED_COOLDWON", "PLACED_COOLDWON is not a setting; did you mean PLACED_COOLDOWN?"),
        ("PLACED_PROT", "PLACED_PROT is not a setting; did you mean PLACED_PORT?"),
        ("PLACED_port", "PLACED_port is not a setting; did you mean PLACED_PORT?"),
        ("PLACED_XYZXYZ", "PLACED_XYZXYZ is not a setting; allowed are PLACED_COOLDOWN, PLACED_HOST, PLACED_PORT"),
        ("PLACED_", "PLACED_ is not a setting; allowed are PLACED_COOLDOWN, PLACED_HOST, PLACED_PORT"),
    ],
)
def test_variable_that_is_no_setting_is_told_with_the_nearest_that_is(name: str, reason: str) -> None:
    assert why_unknown({name: "300"}, KNOWN, "PLACED_HANDOVER") == reason


def test_handover_s_variable_is_let_pass(seen: list[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    assert handover.VARIABLE == HANDOVER_VARIABLE
    monkeypatch.setenv(HANDOVER_VARIABLE, "7")
    monkeypatch.setenv("PLACED_URL", "http://a")
    assert main([], serve=serve) == 0
    assert len(seen) == 1


def test_help_is_given_whatever_the_variables_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLACED_XYZ", "1")
    assert main(["paint", "--help"], serve=serve) == main(["--help"], serve=serve) == 0
    assert "PLACED_XYZ" not in capsys.readouterr().err


def test_settings_know_where_each_value_comes_from(
    seen: list[Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "placed.toml"
    config.write_text("# sizes\nwidth = 65\ncooldown = 3\n", encoding="utf-8")
    monkeypatch.setenv("PLACED_HEIGHT", "66")
    assert main(["--config", str(config), "--port", "1"], serve=serve) == 0
    (settings,) = seen
    assert settings.origin("width").with_value(65) == f"width = 65 in {config}"
    assert settings.origin("width").phrase == f"width in {config}"
    assert settings.origin("width").place == f"{config}, line 2"
    assert settings.origin("height").with_value(66) == "PLACED_HEIGHT=66"
    assert settings.origin("port").with_value(1) == "--port 1"
    assert settings.origin("host").place == "default"
    assert settings.origin("charge_seconds").phrase == f"cooldown in {config}"


def test_line_that_is_not_known_is_left_out(tmp_path: Path) -> None:
    assert Origin("width", tmp_path).place == str(tmp_path)
