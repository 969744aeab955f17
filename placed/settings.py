"""Settings: everything that an operator decides about one server, checked as a whole. Pure.

`placed.setting_kinds` says what each may be; `placed.cli` makes one of these from flags, environment and config file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from placed.setting_kinds import KINDS, check

if TYPE_CHECKING:
    from pathlib import Path

    from placed.palette import Palette
    from placed.setting_kinds import Network


def _check(_settings: Settings, attribute: attrs.Attribute[Any], value: object) -> None:
    setting = attribute.metadata.get("setting", attribute.name)
    for one in value if KINDS[setting].many and isinstance(value, tuple) else (value,):
        check(setting, one)


_optional = attrs.validators.optional(_check)


@attrs.frozen(kw_only=True)
class Settings:
    """One server's settings.

    Attributes:
        data: the data folder; one server at a time has it.
        log: the log's URL; None is the embedded log inside the data folder.
        host: the address to listen on.
        port: 0 to 65535; 0 lets the system choose.
        certificate: a PEM file; None is no TLS.
        certificate_key: a PEM file; None is in the certificate's.
        width: 1 to 4096 pixels; None is what the canvas was created with, or 1000 for a new one. So is height.
        height: see width.
        palette: None is what the canvas was created with, or `placed.palette.SEED` for a new one.
        charges: edits that an author may place in a row, at least 1.
        charge_seconds: for one charge to come back; 0 is no cooldown.
        trusted_proxies: networks whose X-Forwarded-For and Forwarded count.
        allow_origins: sites, as scheme://host[:port] or *, whose pages may use the API.
        fast_lane: whether hot requests are answered without Hypercorn.
        max_frames_per_second: to each stream of the fast lane, 1 to 1000.
        log_level: of `placed.structured_logs.LEVELS`.
        log_format: of `placed.structured_logs.FORMATS`.

    Raises:
        SettingError: one of them isn't allowed; the message names its flag, the value and what is.
    """

    data: Path = attrs.field(validator=_check)
    log: str | None = attrs.field(default=None, validator=_optional)
    host: str = attrs.field(default="127.0.0.1", validator=_check)
    port: int = attrs.field(default=8080, validator=_check)
    certificate: Path | None = attrs.field(default=None, validator=_optional)
    certificate_key: Path | None = attrs.field(default=None, validator=_optional)
    width: int | None = attrs.field(default=None, validator=_optional)
    height: int | None = attrs.field(default=None, validator=_optional)
    palette: Palette | None = attrs.field(default=None, validator=_optional)
    charges: int = attrs.field(default=10, validator=_check)
    charge_seconds: float = attrs.field(default=1.0, validator=_check)
    trusted_proxies: tuple[Network, ...] = attrs.field(
        default=(), validator=_check, metadata={"setting": "trusted_proxy"}
    )
    allow_origins: tuple[str, ...] = attrs.field(default=(), validator=_check, metadata={"setting": "allow_origin"})
    fast_lane: bool = attrs.field(default=True, validator=_check)
    max_frames_per_second: int = attrs.field(default=250, validator=_check)
    log_level: str = attrs.field(default="info", validator=_check)
    log_format: str = attrs.field(default="text", validator=_check)
