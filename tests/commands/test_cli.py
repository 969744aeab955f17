"""The command line: where settings come from, which source wins, and one line of text for each error."""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import platformdirs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from placed import __version__
from placed.__main__ import serve
from placed.canvas.palette import REDDIT_2022
from placed.commands import cli
from placed.process.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placed.commands.settings.values import Settings

ROOT = Path(__file__).parents[2]
main = partial(cli.main, serve=serve)


class FakeService:
    """Replaces `placed.service.process` for the command line: it takes settings, and returns an exit code."""

    def __init__(self) -> None:
        self.seen: list[Settings] = []
        self.code: int = ExitCode.OK

    def run(self, settings: Settings) -> int:
        self.seen.append(settings)
        return self.code


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeService]:
    for variable in [name for name in os.environ if name.startswith("PLACED_")]:
        monkeypatch.delenv(variable)
    fake = FakeService()
    monkeypatch.setitem(sys.modules, "placed.service.process", SimpleNamespace(run=fake.run))
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield fake
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "placed.toml"


def test_without_a_flag_it_serves_with_the_defaults(service: FakeService) -> None:
    assert main([]) == 0
    (seen,) = service.seen
    assert (seen.host, seen.port, seen.width, seen.height, seen.palette) == ("127.0.0.1", 8080, None, None, None)
    assert (seen.charges, seen.charge_seconds, seen.log) == (10, 1.0, None)
    assert (seen.trusted_proxies, seen.allow_origins) == ((), ())
    assert seen.data == platformdirs.user_data_path("placed", appauthor=False)


def test_every_flag_reaches_the_settings(service: FakeService) -> None:
    flags = "--host ::1 --port 0 --data d --log memory: --width 7 --height 9 --palette reddit-2022 --charges 3"
    lanes = "--no-fast-lane --max-frames-per-second 7 --certificate c.pem --certificate-key k.pem"
    more = "--charge-seconds 2.5 --trusted-proxy 10.0.0.0/8 --trusted-proxy ::1 --allow-origin HTTP://A:80"
    assert main([*flags.split(), *more.split(), *lanes.split(), "--log-level", "debug", "--log-format", "json"]) == 0
    (seen,) = service.seen
    assert (seen.host, seen.port, seen.data, seen.log) == ("::1", 0, Path("d"), "memory:")
    assert (seen.width, seen.height, seen.palette) == (7, 9, REDDIT_2022)
    assert (seen.charges, seen.charge_seconds) == (3, 2.5)
    assert seen.trusted_proxies == (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1"))
    assert seen.allow_origins == ("http://a",)
    assert (seen.log_level, seen.log_format) == ("debug", "json")
    assert (seen.fast_lane, seen.max_frames_per_second) == (False, 7)
    assert (seen.certificate, seen.certificate_key) == (Path("c.pem"), Path("k.pem"))


def test_every_variable_reaches_the_settings(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"HOST": "::1", "PORT": "1", "DATA": "d", "LOG": "memory:", "WIDTH": "7", "HEIGHT": "9"}
    variables |= {"PALETTE": "reddit-2022", "CHARGES": "3", "CHARGE_SECONDS": "2.5", "LOG_LEVEL": "error"}
    variables |= {"LOG_FORMAT": "json", "TRUSTED_PROXY": "10.0.0.0/8, ::1", "ALLOW_ORIGIN": "http://a,http://b"}
    variables |= {"FAST_LANE": "false", "MAX_FRAMES_PER_SECOND": "5"}
    variables |= {"CERTIFICATE": "c.pem", "CERTIFICATE_KEY": "k.pem"}
    for name, value in variables.items():
        monkeypatch.setenv(f"PLACED_{name}", value)
    assert main([]) == 0
    (seen,) = service.seen
    assert (seen.host, seen.port, seen.data, seen.log) == ("::1", 1, Path("d"), "memory:")
    assert (seen.width, seen.height, seen.palette) == (7, 9, REDDIT_2022)
    assert (seen.charges, seen.charge_seconds) == (3, 2.5)
    assert seen.trusted_proxies == (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1"))
    assert seen.allow_origins == ("http://a", "http://b")
    assert (seen.log_level, seen.log_format) == ("error", "json")
    assert (seen.fast_lane, seen.max_frames_per_second) == (False, 5)
    assert (seen.certificate, seen.certificate_key) == (Path("c.pem"), Path("k.pem"))


def test_every_key_of_the_file_reaches_the_settings(service: FakeService, config: Path) -> None:
    config.write_text(
        """
        host = "::1"
        port = 1
        data = "d"
        log = "memory:"
        width = 7
        height = 9
        palette = "reddit-2022"
        charges = 3
        charge-seconds = 2
        trusted-proxy = ["10.0.0.0/8", "::1"]
        allow_origin = []
        log-level = "error"
        log-format = "json"
        fast-lane = false
        max_frames_per_second = 1
        certificate = "c.pem"
        certificate-key = "k.pem"
        """,
        encoding="utf-8",
    )
    assert main(["--config", str(config)]) == 0
    (seen,) = service.seen
    assert (seen.host, seen.port, seen.data, seen.log) == ("::1", 1, Path("d"), "memory:")
    assert (seen.width, seen.height, seen.palette) == (7, 9, REDDIT_2022)
    assert (seen.charges, seen.charge_seconds) == (3, 2.0)
    assert seen.trusted_proxies == (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1"))
    assert (seen.allow_origins, seen.log_level, seen.log_format) == ((), "error", "json")
    assert (seen.fast_lane, seen.max_frames_per_second) == (False, 1)
    assert (seen.certificate, seen.certificate_key) == (Path("c.pem"), Path("k.pem"))


KAFKA = {
    "log": "kafka://a:1/t",
    "author-key-file": "k",
    "kafka-protocol": "sasl_ssl",
    "kafka-ca": "ca.pem",
    "kafka-certificate": "c.pem",
    "kafka-key": "k.pem",
    "kafka-mechanism": "PLAIN",
    "kafka-user": "anna",
    "kafka-password-file": "p",
    "kafka-replication": "3",
    "exit-if-unreachable": "on",
}


def check_kafka(seen: Settings) -> None:
    assert (seen.log, seen.author_key_file) == ("kafka://a:1/t", Path("k"))
    assert (seen.kafka_protocol, seen.kafka_mechanism, seen.kafka_user) == ("sasl_ssl", "PLAIN", "anna")
    assert (seen.kafka_ca, seen.kafka_certificate, seen.kafka_key) == (Path("ca.pem"), Path("c.pem"), Path("k.pem"))
    assert (seen.kafka_password, seen.kafka_password_file) == (None, Path("p"))
    assert (seen.kafka_replication, seen.exit_if_unreachable) == (3, True)


def test_kafka_s_settings_come_as_flags(service: FakeService) -> None:
    flags = [f"--{name}={value}" for name, value in KAFKA.items() if value != "on"]
    assert main([*flags, "--exit-if-unreachable"]) == 0
    check_kafka(service.seen[0])


def test_kafka_s_settings_come_as_variables(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KAFKA.items():
        monkeypatch.setenv(f"PLACED_{name.upper().replace('-', '_')}", value)
    assert main([]) == 0
    check_kafka(service.seen[0])


def test_kafka_s_settings_come_from_the_file(service: FakeService, config: Path) -> None:
    lines = [f'{name} = "{value}"' for name, value in KAFKA.items() if value not in ("on", "3")]
    config.write_text("\n".join([*lines, "kafka-replication = 3", "exit-if-unreachable = true"]), encoding="utf-8")
    assert main(["--config", str(config)]) == 0
    check_kafka(service.seen[0])


def test_kafka_s_password_comes_from_a_variable_and_is_not_shown(
    service: FakeService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLACED_KAFKA_PASSWORD", "hush-hush")
    assert main(["--kafka-protocol", "sasl_ssl", "--kafka-user", "anna"]) == 0
    assert service.seen[0].kafka_password == "hush-hush"
    assert "hush-hush" not in repr(service.seen[0])
    assert main(["--kafka-password", "hush-hush"]) == 2
    assert main(["--kafka-protocol", "sasl_ssl"]) == 2
    assert "--kafka-protocol: 'sasl_ssl'; allowed is SASL only with a --kafka-user" in capsys.readouterr().err


def test_key_without_certificate_is_refused(service: FakeService, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--certificate-key", "k.pem"]) == 2
    assert capsys.readouterr().err == (
        "placed: --certificate-key: 'k.pem'; allowed is a key only with a --certificate\n"
    )
    assert service.seen == []


def test_flag_goes_before_variable_and_that_before_the_file(
    service: FakeService, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text("port = 1\nwidth = 1\nheight = 1\nallow-origin = ['http://file']", encoding="utf-8")
    monkeypatch.setenv("PLACED_CONFIG", str(config))
    monkeypatch.setenv("PLACED_PORT", "2")
    monkeypatch.setenv("PLACED_WIDTH", "2")
    monkeypatch.setenv("PLACED_CHARGES", "")
    assert main(["--port", "3", "--allow-origin", "http://flag"]) == 0
    (seen,) = service.seen
    assert (seen.port, seen.width, seen.height, seen.charges) == (3, 2, 1, 10)
    assert seen.allow_origins == ("http://flag",)


@pytest.mark.parametrize(
    ("flags", "variables", "content", "rule"),
    [
        (["--cooldown", "300"], {}, "", (1, 300.0)),
        (["--cooldown", "0"], {}, "", (1, 0.0)),
        ([], {"PLACED_COOLDOWN": "30"}, "", (1, 30.0)),
        ([], {}, "cooldown = 3", (1, 3.0)),
        (["--cooldown", "300"], {"PLACED_CHARGES": "5"}, "charge-seconds = 7", (1, 300.0)),
        (["--charges", "5"], {}, "cooldown = 300", (5, 1.0)),
        (["--charges", "5"], {"PLACED_COOLDOWN": "300"}, "charge-seconds = 7", (5, 7.0)),
        ([], {"PLACED_CHARGE_SECONDS": "9"}, "cooldown = 300\n", (10, 9.0)),
    ],
)
def test_cooldown_stands_for_one_charge_unless_a_higher_place_says_otherwise(
    flags: list[str],
    variables: dict[str, str],
    content: str,
    rule: tuple[int, float],
    service: FakeService,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config.write_text(content, encoding="utf-8")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main([*flags, "--config", str(config)]) == 0
    assert (service.seen[0].charges, service.seen[0].charge_seconds) == rule


@pytest.mark.parametrize(
    ("flags", "variables", "content", "line"),
    [
        (["--port", "99999"], {}, "", "--port: '99999'; allowed is a whole number from 0 to 65535"),
        (["--port", ""], {}, "", "--port: ''; allowed is a whole number from 0 to 65535"),
        (["--width", "4097"], {}, "", "--width: '4097'; allowed is a whole number from 1 to 4096"),
        (["--charge-seconds", "nan"], {}, "", "--charge-seconds: 'nan'; allowed is 0 for no cooldown, or .* seconds"),
        (["--palette", "no.hex"], {}, "", "--palette: palette file 'no.hex': there is no such file"),
        (["--palette", "no"], {}, "", "--palette: no palette is called 'no'; allowed is seed, .*"),
        (["--log", "x"], {}, "", "--log: 'x'; allowed is memory:, lmdb:PATH or kafka://.*"),
        (["--trusted-proxy", "::1", "--trusted-proxy", "x"], {}, "", "--trusted-proxy: 'x'; allowed is a network.*"),
        (["--allow-origin", "a"], {}, "", "--allow-origin: 'a'; allowed is http://.*"),
        (["--log-level", "x"], {}, "", "--log-level: 'x'; allowed is debug, info, warning or error"),
        (["--cooldown", "1", "--charges", "2"], {}, "", "--cooldown: 1; allowed is this or --charges, not both"),
        (["--cooldown", "1", "--charge-seconds", "2"], {}, "", "--cooldown: 1; .* or --charge-seconds, not both"),
        ([], {"PLACED_PORT": "x"}, "", "PLACED_PORT: 'x'; allowed is a whole number from 0 to 65535"),
        ([], {"PLACED_TRUSTED_PROXY": "::1,x"}, "", "PLACED_TRUSTED_PROXY: 'x'; allowed is a network.*"),
        ([], {"PLACED_COOLDOWN": "1", "PLACED_CHARGES": "1"}, "", "PLACED_COOLDOWN: 1; .* or PLACED_CHARGES, not both"),
        ([], {}, "port = 70000", "FILE: port: 70000; allowed is a whole number from 0 to 65535"),
        ([], {}, "port = '1'", "FILE: port: '1'; allowed is a whole number from 0 to 65535, without quotes"),
        ([], {}, "log_level = 'x'", "FILE: log_level: 'x'; allowed is debug, info, warning or error"),
        ([], {}, "allow-origin = ['a']", "FILE: allow-origin: 'a'; allowed is http://.*"),
        ([], {}, "palette = 'no.gpl'", "FILE: palette: palette file 'no.gpl': there is no such file"),
        ([], {}, "prot = 1", "FILE: 'prot' is not a setting; did you mean port\\?"),
        ([], {}, "cooldown = 1\ncharges = 1", "FILE: cooldown: 1; allowed is this or FILE: charges, not both"),
        ([], {"PLACED_COOLDWON": "300"}, "", "PLACED_COOLDWON is not a setting; did you mean PLACED_COOLDOWN\\?"),
        (["paint", "a.png"], {"PLACED_XYZ": "1"}, "", "PLACED_XYZ is not a setting; .*"),
        (
            [],
            {"PLACED_PORT": "tcp://10.0.0.7:80"},
            "",
            "PLACED_PORT: 'tcp://10.0.0.7:80'; allowed .*; Kubernetes sets .*",
        ),
        (["--check-config"], {"PLACED_PORT": "x"}, "", "PLACED_PORT: 'x'; allowed is .*"),
        (["--prot", "1"], {}, "", "No such option '?--prot.*"),
        (["--port"], {}, "", "Option '--port' requires an argument.*"),
        (["chekc"], {}, "", "no command is called 'chekc'; did you mean check\\?"),
        (["--port", "1", "paint", "a.png"], {}, "", "--port is a flag for serving; flags of paint come after .*"),
        (["--port=\x1b[31m\n\u202e"], {}, "", r"--port: '\\x1b\[31m\\n\\u202e'; allowed .*"),
        (["--\x1b[31m\n"], {}, "", r"No such option .*\\x1b\[31m.*"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_its_place_and_nothing_starts(
    flags: list[str],
    variables: dict[str, str],
    content: str,
    line: str,
    service: FakeService,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config.write_text(content, encoding="utf-8")
    monkeypatch.setenv("PLACED_CONFIG", str(config))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(flags) == ExitCode.BAD_USAGE
    out, err = capsys.readouterr()
    assert re.fullmatch(f"placed: {line.replace('FILE', re.escape(str(config)))}\n", err), err
    assert out == ""
    assert service.seen == []


@pytest.mark.parametrize("path", ["no/such.toml", "."])
def test_config_file_that_cannot_be_read_is_named(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", path]) == ExitCode.BAD_USAGE
    assert capsys.readouterr().err.startswith(f"placed: {path}: ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    args=st.lists(st.sampled_from(["--port", "--config", "--allow-origin", "--data"]) | st.text(max_size=5), max_size=4)
)
@example(args=["--port", "\ud800"])
@example(args=["--config", "a\0b"])
@example(args=["--palette", "a\0b.hex"])
@example(args=["--data", "a\0b"])
def test_any_arguments_serve_or_give_at_most_one_line(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = main([arg for arg in args if arg != "paint"])
    err = capsys.readouterr().err
    assert (code, err.count("\n")) in ((ExitCode.OK, 0), (ExitCode.BAD_USAGE, 1))


def test_exit_code_of_the_service_is_the_process_s(service: FakeService) -> None:
    service.code = ExitCode.CANNOT_LISTEN
    assert main([]) == ExitCode.CANNOT_LISTEN


def test_log_lines_go_to_standard_error_as_asked(service: FakeService, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--log-format", "json", "--log-level", "warning"]) == 0
    logging.getLogger("hypercorn.error").info("quiet")
    logging.getLogger("hypercorn.error").warning("loud")
    out, err = capsys.readouterr()
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["loud"]
    assert out == ""


def test_ctrl_c_before_serving_ends_with_130(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_settings: Settings) -> int:
        raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "placed.service.process", SimpleNamespace(run=interrupted))
    assert main([]) == ExitCode.INTERRUPTED


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"placed {__version__}\n"


def test_settings_of_the_server_do_not_disturb_painting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACED_PORT", "not a port")
    monkeypatch.setenv("PLACED_CONFIG", "no/such.toml")
    assert main(["paint", "--help"]) == 0


def _run(*args: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PLACED_")} | variables
    command = [sys.executable, *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, cwd=ROOT, env=env)


def test_real_process_ends_with_code_2_and_one_line() -> None:
    result = _run("-m", "placed", "--port", "http", PLACED_WIDTH="5")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "placed: --port: 'http'; allowed is a whole number from 0 to 65535\n"


def test_real_process_shows_help_and_version() -> None:
    shown = _run("-m", "placed", "--help")
    assert shown.returncode == 0
    assert shown.stdout.startswith("Usage: placed [OPTIONS] [COMMAND]\n")
    assert _run("-m", "placed", "--version").stdout == f"placed {__version__}\n"


def test_serving_and_help_import_nothing_that_only_other_commands_need() -> None:
    script = """
import json, sys
from placed.commands.cli import main
main(["--help"], serve=print)
import placed.service.process
print(json.dumps(sorted(sys.modules)))
"""
    result = _run("-c", script)
    assert result.returncode == 0, result.stderr
    loaded = set(json.loads(result.stdout.splitlines()[-1]))
    assert not loaded & {"PIL", "httpx", "placed.commands.paint.command", "placed.commands.operations.command"}
