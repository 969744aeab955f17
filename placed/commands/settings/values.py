"""Settings: everything that an operator decides about one server, checked as a whole.

`placed.commands.settings.kinds` says what each may be; `placed.commands.cli` makes one of these from flags, environment
and config file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.commands.settings.kinds import KINDS, LOOPBACK, SettingError, check
from placed.commands.settings.origin import Origin, flag_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from placed.canvas.palette import Palette
    from placed.commands.settings.kinds import Network


def _check(_settings: Settings, attribute: attrs.Attribute[Any], value: object) -> None:
    setting = attribute.metadata.get("setting", attribute.name)
    for one in value if KINDS[setting].many and isinstance(value, tuple) else (value,):
        check(setting, one)


_optional = attrs.validators.optional(_check)

# A setting, the one that it needs beside it, and whether that one's value is enough; with what to say otherwise.
_NEEDS: Final[tuple[tuple[str, str, Callable[[Any], bool], str], ...]] = (
    ("certificate_key", "certificate", bool, "a key only beside a --certificate"),
    ("kafka_ca", "kafka_protocol", lambda protocol: protocol.endswith("ssl"), "this only with TLS"),
    ("kafka_certificate", "kafka_protocol", lambda protocol: protocol.endswith("ssl"), "this only with TLS"),
    ("kafka_key", "kafka_certificate", bool, "a key only beside a --kafka-certificate"),
    ("kafka_user", "kafka_protocol", lambda protocol: protocol.startswith("sasl"), "a user only with SASL"),
    ("kafka_password_file", "kafka_user", bool, "a password only beside a --kafka-user"),
)


@attrs.frozen(kw_only=True)
class Settings:
    """One server's settings.

    Attributes:
        data: the data folder; one server at a time has it.
        log: the log's URL; None is the embedded log inside the data folder.
        author_key_file: the key that makes authors of addresses; None is one of the data folder's own. Servers of one
            canvas share cooldowns when they share it.
        kafka_protocol: of `placed.commands.settings.kinds.KAFKA_PROTOCOLS`.
        kafka_ca: a PEM file with the authorities to trust; None trusts the system's.
        kafka_certificate: a PEM file with our own certificate for the brokers; None has none.
        kafka_key: a PEM file; None is in the certificate's.
        kafka_mechanism: of `placed.commands.settings.kinds.KAFKA_MECHANISMS`.
        kafka_user: for SASL.
        kafka_password: for SASL; never shown.
        kafka_password_file: whose first line is the password, instead.
        kafka_replication: copies of a new topic's records; None is the cluster's default.
        exit_if_unreachable: whether a start ends when no broker answers; otherwise it waits.
        host: the address to listen on.
        port: 0 to 65535; 0 lets the system choose.
        certificate: a PEM file; None is no TLS.
        certificate_key: a PEM file; None is in the certificate's.
        width: 1 to 4096 pixels; None is what the canvas was created with, or 1000 for a new one. So is height.
        height: see width.
        palette: None is what the canvas was created with, or `placed.canvas.palette.SEED` for a new one.
        charges: edits that an author may place in a row, at least 1.
        charge_seconds: for one charge to come back; 0 is no cooldown.
        trusted_proxies: networks whose X-Forwarded-For, X-Forwarded-Host and Forwarded count.
        allowed_hosts: names by which the server may be asked for, *.name for all that end with it, or *.
        allow_origins: sites, as scheme://host[:port], null or *, whose pages may use the API.
        allow_embeds: sites, as scheme://host[:port] or *, whose pages may show the canvas in a frame.
        max_streams_per_client: that one address may have open, 0 to 1,000,000; 0 is no limit.
        max_connections_per_client: that one address may have open besides, likewise. A trusted proxy has no limit.
        unlimited_clients: networks whose addresses have no limit of streams, connections, polls and catch-ups.
        fast_lane: whether hot requests are answered without Hypercorn.
        max_frames_per_second: to each stream, 1 to 1000.
        log_level: of `placed.telemetry.structured_logs.LEVELS`.
        log_format: of `placed.telemetry.structured_logs.FORMATS`.
        log_addresses: whether log lines have clients' addresses.
        origins: where each value comes from, for messages; one that isn't there counts as a flag.

    Raises:
        SettingError: one of them isn't allowed, by itself or beside the others; the message names its flag, the value
            and what is.
    """

    data: Path = attrs.field(validator=_check)
    log: str | None = attrs.field(default=None, validator=_optional)
    author_key_file: Path | None = attrs.field(default=None, validator=_optional)
    kafka_protocol: str = attrs.field(default="plaintext", validator=_check)
    kafka_ca: Path | None = attrs.field(default=None, validator=_optional)
    kafka_certificate: Path | None = attrs.field(default=None, validator=_optional)
    kafka_key: Path | None = attrs.field(default=None, validator=_optional)
    kafka_mechanism: str = attrs.field(default="SCRAM-SHA-512", validator=_check)
    kafka_user: str | None = attrs.field(default=None, validator=_optional)
    kafka_password: str | None = attrs.field(default=None, repr=False)
    kafka_password_file: Path | None = attrs.field(default=None, validator=_optional)
    kafka_replication: int | None = attrs.field(default=None, validator=_optional)
    exit_if_unreachable: bool = attrs.field(default=False, validator=_check)
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
    allowed_hosts: tuple[str, ...] = attrs.field(default=(), validator=_check, metadata={"setting": "allowed_host"})
    allow_origins: tuple[str, ...] = attrs.field(default=(), validator=_check, metadata={"setting": "allow_origin"})
    allow_embeds: tuple[str, ...] = attrs.field(default=(), validator=_check, metadata={"setting": "allow_embed"})
    max_streams_per_client: int = attrs.field(default=128, validator=_check)
    max_connections_per_client: int = attrs.field(default=512, validator=_check)
    unlimited_clients: tuple[Network, ...] = attrs.field(
        default=LOOPBACK, validator=_check, metadata={"setting": "unlimited_client"}
    )
    fast_lane: bool = attrs.field(default=True, validator=_check)
    max_frames_per_second: int = attrs.field(default=250, validator=_check)
    log_level: str = attrs.field(default="info", validator=_check)
    log_format: str = attrs.field(default="text", validator=_check)
    log_addresses: bool = attrs.field(default=False, validator=_check)
    origins: Mapping[str, Origin] = attrs.field(factory=dict, repr=False, eq=False)

    def origin(self, setting: str) -> Origin:
        """Where the value of `setting` comes from, in the operator's words."""
        return self.origins.get(setting) or Origin(flag_of(setting))

    def __attrs_post_init__(self) -> None:
        for setting, other, is_enough, allowed in _NEEDS:
            value = getattr(self, setting)
            if value is not None and not is_enough(getattr(self, other)):
                raise SettingError(setting, f"{str(value)!r}; allowed is {allowed}")
        if self.kafka_protocol.startswith("sasl"):
            self._check_login()

    def _check_login(self) -> None:
        if self.kafka_user is None:
            raise SettingError("kafka_protocol", f"{self.kafka_protocol!r}; allowed is SASL only with a --kafka-user")
        if (self.kafka_password is None) == (self.kafka_password_file is None):
            allowed = "a user with one password, from PLACED_KAFKA_PASSWORD or --kafka-password-file"
            raise SettingError("kafka_user", f"{self.kafka_user!r}; allowed is {allowed}")
