"""What each setting may be: one table, for flags, environment variables, the config file and `Settings` itself.

A kind takes a value as a flag or variable gives it, text, or as TOML or Python do, and returns it checked, in one form.
Its error names the setting, the value and what is allowed. Pure but for `palette`, which reads the file that it names.
"""

from __future__ import annotations

import ipaddress
import math
import re
import reprlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import idna

from placed.canvas import palette_files
from placed.canvas.edit_code import MAX_SIDE_PX
from placed.canvas.palette import Palette, PaletteError
from placed.commands.settings.origin import flag_of
from placed.http.authority import authority_of, origin_of
from placed.telemetry.structured_logs import FORMATS, LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK: Final = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1"))
MAX_PER_CLIENT = 1_000_000  # more than there can be descriptors
MAX_CHARGES = 1_000_000
MAX_CHARGE_SECONDS = 7 * 86_400.0  # a week; nobody waits longer
MAX_FRAMES_PER_SECOND = 1_000
MIN_CHARGE_SECONDS = 0.001  # cooldowns count in ms
MAX_USER_CHARACTERS = 255
MAX_REPLICATION = 100  # copies; clusters are smaller

_HOST = re.compile(r"[0-9A-Za-z_.:%-]{1,255}", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,10}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,6})?", re.ASCII)
_BROKER: Final = r"(?:[0-9A-Za-z_.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}"
_KAFKA = re.compile(rf"kafka://{_BROKER}(?:,{_BROKER})*/(?!\.{{1,2}}\Z)[0-9A-Za-z._-]{{1,249}}", re.ASCII)
KAFKA_PROTOCOLS: Final = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
KAFKA_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

_REPR = reprlib.Repr()  # bounds what a message shows of a value
_REPR.maxstring = _REPR.maxother = 100


class SettingError(ValueError):
    """A setting that can't be used.

    Attributes:
        setting: its name, with underscores.
        reason: the value and what is allowed.
    """

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__(f"{flag_of(setting)}: {reason}")
        self.setting = setting
        self.reason = reason


@attrs.frozen
class Kind:
    """What one setting may be.

    Attributes:
        parse: value to value; ValueError when it isn't allowed.
        allowed: what is, for people.
        toml: the types that it has in TOML.
        many: it is a list of such values.
    """

    parse: Callable[[Any], object]
    allowed: str
    toml: tuple[type, ...] = (str,)
    many: bool = False


def check(setting: str, value: object) -> Any:
    """The value of `setting` (one of them, where it may have many), checked and in its one form.

    Raises:
        SettingError: it isn't allowed.
    """
    kind = KINDS[setting]
    try:
        return kind.parse(value)
    except PaletteError as error:
        raise SettingError(setting, str(error)) from None
    except (ValueError, TypeError):
        raise refusal(setting, value) from None


def refusal(setting: str, value: object, how: str = "") -> SettingError:
    """The error that says that `value` isn't allowed; `how` adds in which form it must be."""
    return SettingError(setting, f"{_REPR.repr(value)}; allowed is {KINDS[setting].allowed}{how}")


def _whole(low: int, high: int) -> Kind:
    def parse(value: object) -> int:
        number = int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value
        if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
            raise ValueError
        return number

    return Kind(parse, f"a whole number from {low} to {high}", (int,))


def _seconds(value: object) -> float:
    seconds = float(value) if isinstance(value, str) and _SECONDS.fullmatch(value) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise ValueError
    if seconds and not MIN_CHARGE_SECONDS <= seconds <= MAX_CHARGE_SECONDS:
        raise ValueError
    return float(seconds)


def _text(parse: Callable[[str], object], allowed: str, *, many: bool = False) -> Kind:
    def parse_text(value: object) -> object:
        if not isinstance(value, str):
            raise TypeError
        return parse(value)

    return Kind(parse_text, allowed, many=many)


def _host(value: str) -> str:
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    if not _HOST.fullmatch(bare):
        raise ValueError
    return bare


def _path(value: str | Path) -> Path:
    if not str(value) or "\0" in str(value):
        raise ValueError
    try:
        return Path(value).expanduser()
    except RuntimeError:  # ~nobody
        raise ValueError from None


def _log(value: str) -> str:
    if value.startswith("lmdb:") and len(value) > len("lmdb:"):
        return f"lmdb:{_path(value.removeprefix('lmdb:'))}"
    if value != "memory:" and not _is_kafka(value):
        raise ValueError
    return value


def _is_kafka(value: str) -> bool:
    if not _KAFKA.fullmatch(value):
        return False
    brokers = value.removeprefix("kafka://").partition("/")[0].split(",")
    return all(1 <= int(broker.rpartition(":")[2]) <= 65_535 for broker in brokers)


def _palette(value: str | Palette) -> Palette:
    return value if isinstance(value, Palette) else palette_files.load_palette(value)


def _network(value: str | Network) -> Network:
    if isinstance(value, Network):
        return value
    if not isinstance(value, str):  # ip_network takes whole numbers too
        raise TypeError
    return ipaddress.ip_network(value.strip())


def _origin(value: str) -> str:
    origin = origin_of(_in_ascii(value))
    if origin is None:
        raise ValueError
    return origin


def _allowed_origin(value: str) -> str:
    return value.strip().lower() if value.strip().lower() in ("*", "null") else _origin(value)


def _embedder(value: str) -> str:
    return "*" if value.strip() == "*" else _origin(value)


def _allowed_host(value: str) -> str:
    name = value.strip()
    if name == "*":
        return name
    start = "*." if name.startswith("*.") else ""
    authority = authority_of(_in_ascii(name.removeprefix(start)))
    if authority is None or authority.port is not None:
        raise ValueError
    return start + authority.host


def _in_ascii(value: str) -> str:
    """A name with letters of any script, alone or in an origin, as browsers send it (RFC 5891, UTS 46)."""
    value = value.strip()
    if value.isascii():
        return value.lower()
    scheme, mark, rest = value.rpartition("://")
    host, colon, port = rest.partition(":")
    return f"{scheme}{mark}{idna.encode(host, uts46=True).decode()}{colon}{port}".lower()


def _user(value: str) -> str:
    if not 1 <= len(value) <= MAX_USER_CHARACTERS or not value.isprintable():
        raise ValueError
    return value


def _one_of(words: tuple[str, ...]) -> Kind:
    def parse(value: str) -> str:
        (word,) = [word for word in words if word.lower() == value.lower()]
        return word

    return _text(parse, " or ".join((", ".join(words[:-1]), words[-1])))


_ON, _OFF = ("on", "true", "yes", "1"), ("off", "false", "no", "0")


def _switch(value: str | bool) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise TypeError
    if value.lower() not in _ON + _OFF:
        raise ValueError
    return value.lower() in _ON


_SECONDS_ALLOWED: Final = f"0 for no cooldown, or {MIN_CHARGE_SECONDS} to {MAX_CHARGE_SECONDS:.0f} seconds"
_NETWORK_ALLOWED: Final = "a network, such as 10.0.0.0/8 or fd00::/8 (no bits set behind the prefix), or an address"
KINDS: Final[dict[str, Kind]] = {
    "host": _text(_host, "an address or a host name, such as 127.0.0.1, or 0.0.0.0 for every interface"),
    "port": _whole(0, 65_535),
    "trusted_proxy": Kind(_network, _NETWORK_ALLOWED, many=True),
    "allowed_host": _text(
        _allowed_host, "a host name without a port, such as place.example, *.place.example, or * for all", many=True
    ),
    "allow_origin": _text(
        _allowed_origin,
        "http://host[:port], https://host[:port], or an app's scheme://host[:port], without a path; null; or *",
        many=True,
    ),
    "allow_embed": _text(
        _embedder,
        "http://host[:port], https://host[:port], or an app's scheme://host[:port], without a path; or *",
        many=True,
    ),
    "max_streams_per_client": _whole(0, MAX_PER_CLIENT),
    "max_connections_per_client": _whole(0, MAX_PER_CLIENT),
    "unlimited_client": Kind(_network, _NETWORK_ALLOWED, many=True),
    "certificate": Kind(_path, "a file"),
    "certificate_key": Kind(_path, "a file"),
    "width": _whole(1, MAX_SIDE_PX),
    "height": _whole(1, MAX_SIDE_PX),
    "palette": Kind(_palette, palette_files.ALLOWED),
    "charges": _whole(1, MAX_CHARGES),
    "charge_seconds": Kind(_seconds, _SECONDS_ALLOWED, (int, float)),
    "cooldown": Kind(_seconds, _SECONDS_ALLOWED, (int, float)),
    "data": Kind(_path, "a folder"),
    "log": _text(_log, "memory:, lmdb:PATH or kafka://host:port[,host:port]/topic"),
    "author_key_file": Kind(_path, "a file"),
    "kafka_protocol": _one_of(KAFKA_PROTOCOLS),
    "kafka_ca": Kind(_path, "a file"),
    "kafka_certificate": Kind(_path, "a file"),
    "kafka_key": Kind(_path, "a file"),
    "kafka_mechanism": _one_of(KAFKA_MECHANISMS),
    "kafka_user": _text(_user, f"1 to {MAX_USER_CHARACTERS} printable characters"),
    "kafka_password_file": Kind(_path, "a file"),
    "kafka_replication": _whole(1, MAX_REPLICATION),
    "exit_if_unreachable": Kind(_switch, "on or off", (bool,)),
    "fast_lane": Kind(_switch, "on or off", (bool,)),
    "max_frames_per_second": _whole(1, MAX_FRAMES_PER_SECOND),
    "log_level": _one_of(LEVELS),
    "log_format": _one_of(FORMATS),
    "log_addresses": Kind(_switch, "on or off", (bool,)),
}
