"""The allowed values of settings, from Python and from the config file."""

from __future__ import annotations

import contextlib
import ipaddress
from pathlib import Path
from typing import Any, assert_type

import attrs
import pytest
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

from placed.canvas.palette import SEED
from placed.commands.settings.config_file import MAX_FILE_BYTES, ConfigError, read_config_file
from placed.commands.settings.origin import Origin
from placed.commands.settings.setting import SettingError
from placed.commands.settings.values import SETTINGS, Settings

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # each example writes its own file


def test_each_attribute_has_the_type_of_its_row() -> None:
    seen = Settings(data=Path("data"))
    assert_type(seen.port, int)  # mypy checks these
    assert_type(seen.width, int | None)
    assert_type(seen.charge_seconds, float)
    assert_type(seen.allow_origins, tuple[str, ...])
    assert_type(seen.data, Path)
    assert [type(seen.port), type(seen.charge_seconds)] == [int, float]


def test_value_is_checked_once_and_brought_into_its_one_form() -> None:
    given: dict[str, Any] = {"port": "08080", "allow_origins": ["HTTP://A:80"], "fast_lane": "off", "kafka_ca": None}
    seen = Settings(data=Path("data"), **given)
    assert (seen.port, seen.allow_origins, seen.fast_lane, seen.kafka_ca) == (8080, ("http://a",), False, None)


def test_data_folder_has_to_be_given() -> None:
    with pytest.raises(TypeError, match="data"):
        Settings()


def test_defaults_are_allowed() -> None:
    defaults = Settings(data=Path("data"))
    assert (defaults.host, defaults.port, defaults.charges, defaults.charge_seconds) == ("127.0.0.1", 8080, 10, 1.0)
    assert (defaults.width, defaults.height, defaults.palette, defaults.log) == (None, None, None, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"port": 65_536}, r"--port: 65536; allowed is a whole number from 0 to 65535"),
        ({"port": True}, r"--port: True; allowed"),
        ({"width": 0}, r"--width: 0; allowed is a whole number from 1 to 4096"),
        ({"height": 4097}, r"--height: 4097; allowed is a whole number from 1 to 4096"),
        ({"charges": 0}, r"--charges: 0; allowed is a whole number from 1 to 1000000"),
        ({"charge_seconds": -1.0}, r"--charge-seconds: -1.0; allowed is 0 for no cooldown, or 0.001 to 604800 seconds"),
        ({"charge_seconds": float("nan")}, r"--charge-seconds: nan; allowed"),
        ({"trusted_proxies": ("10.0.0.1/8",)}, r"--trusted-proxy: '10.0.0.1/8'; allowed is a network"),
        ({"allow_origins": ("example.org",)}, r"--allow-origin: 'example.org'; allowed is http://"),
        ({"log": "redis:"}, r"--log: 'redis:'; allowed is memory:, lmdb:PATH or kafka://"),
        ({"log_level": "loud"}, r"--log-level: 'loud'; allowed is debug, info, warning or error"),
        ({"allow_origins": "http://a"}, r"--allow-origin: 'http://a'; allowed is http://.*; as a list"),
        ({"host": "a b"}, r"--host: 'a b'; allowed is an address or a host name"),
        ({"certificate_key": Path("k")}, r"--certificate-key: 'k'; allowed is a key only with a --certificate"),
        ({"kafka_ca": Path("c")}, r"--kafka-ca: 'c'; allowed is this only with --kafka-protocol ssl"),
        (
            {"kafka_certificate": Path("c")},
            r"--kafka-certificate: 'c'; allowed is this only with --kafka-protocol ssl",
        ),
        ({"kafka_key": Path("c"), "kafka_protocol": "ssl"}, r"--kafka-key: 'c'; allowed is a key only with"),
        (
            {"kafka_user": "u"},
            r"--kafka-user: 'u'; allowed is a user only with --kafka-protocol sasl_pl",
        ),
        ({"kafka_password_file": Path("p")}, r"--kafka-password-file: 'p'; allowed is a password only with"),
        (
            {"kafka_protocol": "sasl_ssl"},
            r"--kafka-protocol: 'sasl_ssl'; allowed is SASL only with a --kafka-user",
        ),
        ({"kafka_protocol": "sasl_ssl", "kafka_user": "u"}, r"--kafka-user: 'u'; allowed is a user with one password"),
        (
            {
                "kafka_protocol": "sasl_ssl",
                "kafka_user": "u",
                "kafka_password": "p",
                "kafka_password_file": Path("p"),
            },
            r"--kafka-user: 'u'; allowed is a user with one password",
        ),
    ],
)
def test_setting_that_is_not_allowed_names_its_flag_the_value_and_what_is(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        attrs.evolve(Settings(data=Path("data")), **changes)


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("port", "0", 0),
        ("port", "08080", 8080),
        ("host", "[::1]", "::1"),
        ("host", "place.example.org", "place.example.org"),
        ("charge_seconds", "0.001", 0.001),
        ("cooldown", 300, 300.0),
        ("trusted_proxy", " 10.0.0.0/8 ", ipaddress.ip_network("10.0.0.0/8")),
        ("trusted_proxy", "::1", ipaddress.ip_network("::1/128")),
        ("allow_origin", "HTTPS://Example.org:443", "https://example.org"),
        ("allow_origin", "http://[::1]:8080", "http://[::1]:8080"),
        ("allow_origin", "*", "*"),
        ("allow_origin", "NULL", "null"),
        ("allow_origin", " capacitor://localhost", "capacitor://localhost"),
        ("allow_origin", "chrome-extension://" + "abcd" * 8, "chrome-extension://" + "abcd" * 8),
        ("allow_origin", "app://.", "app://."),
        ("allow_origin", "FILE://", "file://"),
        ("allow_origin", "https://Müller.example:8443", "https://xn--mller-kva.example:8443"),
        ("allow_embed", "HTTPS://Example.org:443", "https://example.org"),
        ("allow_embed", "*", "*"),
        ("allowed_host", "Place.Example.", "place.example"),
        ("allowed_host", "straße.example", "xn--strae-oqa.example"),
        ("allowed_host", "*.müller.example", "*.xn--mller-kva.example"),
        ("allowed_host", "my_app", "my_app"),
        ("allowed_host", "*", "*"),
        ("log", "memory:", "memory:"),
        ("log", "lmdb:/srv/log", "lmdb:/srv/log"),
        ("log", "kafka://a:9092,[::1]:9093/place.edits-1", "kafka://a:9092,[::1]:9093/place.edits-1"),
        ("log_level", "INFO", "info"),
        ("kafka_mechanism", "scram-sha-256", "SCRAM-SHA-256"),
        ("kafka_protocol", "SASL_SSL", "sasl_ssl"),
        ("kafka_replication", "3", 3),
        ("palette", "seed", SEED),
        ("data", "a/b", Path("a/b")),
    ],
)
def test_value_is_brought_into_its_one_form(setting: str, value: object, expected: object) -> None:
    row = SETTINGS[setting]
    assert row.check_one(value) == expected
    assert row.check_one(row.check_one(value)) == expected


def test_home_is_found_in_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/srv/someone")
    assert SETTINGS["data"].check("~/place") == Path("/srv/someone/place")
    assert SETTINGS["log"].check("lmdb:~/log") == "lmdb:/srv/someone/log"


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("port", ["", " 1", "+1", "1e3", "1_0", "0x10", "-1", "65536", "9" * 5000, "\u0661", None, 1.0, b"1", [1]]),
        ("charge_seconds", ["", "1e3", "inf", "nan", "-1", ".5", "1.", "0.0001", "604801", "9" * 400, None, True, [1]]),
        ("host", ["", "a/b", "a b", "a\n", "[::1", "h\0", "x" * 256, 1, None]),
        ("data", ["", "a\0b", "~no-such-user-at-all/x", 1, None]),
        (
            "trusted_proxy",
            ["", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/8/8", "example.org", 1, 167772160, None, b"abcd"],
        ),
        ("allow_origin", ["", "example.org", "http://", "http://a/", "http://a/b", "http://a:0", "NULL/"]),
        ("allow_origin", ["http://a:65536", "http://u@a", "http://a b", "http://a\nb", "http://a?b", "http://*", "**"]),
        ("allow_origin", ["https://*.a", "https://a.*", "a://", "://a", "https://a,b", "null, https://a", 1, None]),
        (
            "allow_embed",
            ["", "null", "example.org", "http://a/", "http://*.a", "http://a; script-src *", "**", 1, None],
        ),
        ("allowed_host", ["", "a b", "a:80", "a/b", "http://a", "*a", "a.*", "*.*", "u@a", "a,b", ".a", 1, None]),
        ("certificate", ["", "a\0b", "~no-such-user-at-all/x", 1, None]),
        ("certificate_key", ["", "a\0b", 1, None]),
        ("log", ["", "memory", "memory:x", "lmdb", "lmdb:", "lmdb:\0", "/srv/log", "redis://a", 1, None]),
        ("log", ["kafka:a", "kafka://a/t", "kafka://a:9092", "kafka://a:9092/", "kafka://a:0/t", "kafka://a:65536/t"]),
        ("log", ["kafka://a:1,/t", "kafka://a:1/..", "kafka://a:1/.", "kafka://a:1/a b", "kafka://a:1/t\n"]),
        ("log", [f"kafka://a:1/{'t' * 250}"]),
        ("palette", ["", "no-such", 1, None]),
        ("log_level", ["", "inf", "info ", 20, None]),
        ("log_format", ["", "xml", None]),
        ("fast_lane", ["", "maybe", 2, None]),
        ("author_key_file", ["", "a\0b", 1, None]),
        ("kafka_protocol", ["", "tls", "sasl", 1, None]),
        ("kafka_ca", ["", "a\0b", 1, None]),
        ("kafka_certificate", ["", 1, None]),
        ("kafka_key", ["", 1, None]),
        ("kafka_mechanism", ["", "GSSAPI", "SCRAM", None]),
        ("kafka_user", ["", "a\nb", "x" * 256, 1, None]),
        ("kafka_password_file", ["", "a\0b", 1, None]),
        ("kafka_replication", ["", "0", "101", "1.5", -1, True, None]),
        ("exit_if_unreachable", ["", "maybe", 2, None]),
        ("max_frames_per_second", ["", "0", "1001", "2.5", "-1", 2.5, True, None]),
    ],
)
def test_values_that_are_not_allowed_are_refused_in_one_line(setting: str, values: list[object]) -> None:
    for value in values:
        with pytest.raises(SettingError) as caught:
            SETTINGS[setting].check_one(value)
        assert caught.value.setting == setting
        assert "allowed is" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 400


@settings(max_examples=1_000)  # making a value takes several times as long as checking it in all settings
@given(value=st.text(max_size=40) | st.none() | st.booleans() | st.integers() | st.floats() | st.lists(st.integers()))
@example(value="lmdb:" + "x" * 5000)
def test_any_value_is_checked_or_refused_by_each_setting(value: object) -> None:
    for setting in SETTINGS:
        note(setting)
        with contextlib.suppress(SettingError):
            SETTINGS[setting].check_one(value)


def test_config_file_has_keys_with_either_dash(tmp_path: Path) -> None:
    path = tmp_path / "placed.toml"
    path.write_bytes(b'\xef\xbb\xbfport = 1\r\ncharge-seconds = 2\nallow_origin = ["*"]\nlog-level = "debug"\n')
    config = read_config_file(path)
    assert config.values == {"port": 1, "charge_seconds": 2, "allow_origin": ["*"], "log_level": "debug"}
    assert config.origins["charge_seconds"] == Origin("charge-seconds", path, 2, given=2)
    assert str(config.origins["allow_origin"]) == f"{path}: allow_origin"
    assert config.origins["allow_origin"].place == f"{path}, line 3"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"xyzxyz = 1", r"'xyzxyz' is not a setting; allowed are host, port, .*, log-addresses, \[\[oidc\]\]$"),
        (b"fast-lane = 1", r"fast-lane: 1; allowed is on or off, as true or false, without quotes"),
        (b'fast-lane = "on"', r"fast-lane: 'on'; allowed is on or off, as true or false, without quotes"),
        (b"port = true", r"port: True; allowed is a whole number from 0 to 65535, without quotes"),
        (b"[port]\nport = 1", r"port: \{'port': 1\}; allowed is a whole number from 0 to 65535, without quotes"),
        (b"config = 'x'", r"'config' is not a setting"),
        (b"port = '1'", r"port: '1'; allowed is a whole number from 0 to 65535, without quotes"),
        (b"port = 1.0", r"port: 1.0; allowed"),
        (b"port = true", r"port: True; allowed"),
        (b"charge-seconds = '1'", r"charge-seconds: '1'; allowed is 0 .* seconds, without quotes"),
        (b"host = 1", r"host: 1; allowed is an address .*, in quotes"),
        (b"data = 1979-05-27", r"data: datetime.date\(1979, 5, 27\); allowed"),
        (b"allow-origin = '*'", r"allow-origin: '\*'; .*; as a list of texts in quotes"),
        (b"allow-origin = ['*', 1]", r"allow-origin: \['\*', 1\]; .*; as a list of texts in quotes"),
        (b"log-level = 'info'\nlog_level = 'info'", r"log-level and log_level are the same setting"),
        (b"port = 1\nport = 2\n", r"not TOML: .*line 2"),
        (b"port\n", r"not TOML: .*line 1"),
        (b"port = 1" + b"0" * 5000, r"not TOML"),
        (b"a = " + b"[" * 30_000, r"nested too deeply"),
        (b"port = 1\n# \xff", r"line 2: not UTF-8"),
        (b"#" * (MAX_FILE_BYTES + 1), r"more than 65536 bytes; allowed are 65536"),
    ],
)
def test_wrong_config_file_is_one_line_that_names_file_and_key(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "placed.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        read_config_file(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [("no/such.toml", "no such file"), ("/dev/zero", "not an ordinary file"), (".", "not an ordinary")],
)
def test_config_file_that_is_no_file_is_refused(path: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_config_file(Path(path))


@same_folder
@given(content=st.binary(max_size=100) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_a_config_file_or_an_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any.toml"
    path.write_bytes(content)
    with contextlib.suppress(ConfigError):
        read_config_file(path)
