"""The rows about Kafka's brokers, a part of the table of settings; `values` has the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from placed.commands.settings.kind import SWITCH, one_of, whole
from placed.commands.settings.kinds import FILE, USER
from placed.commands.settings.sections import KAFKA
from placed.commands.settings.setting import SettingError, check_needs, setting

if TYPE_CHECKING:
    from pathlib import Path

    from placed.commands.settings.setting import Need

KAFKA_PROTOCOLS: Final = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
KAFKA_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

_TLS: Final = "this only with --kafka-protocol ssl or sasl_ssl"
_SASL: Final = "a user only with --kafka-protocol sasl_plaintext or sasl_ssl"
_NEEDS: Final[tuple[Need, ...]] = (
    ("kafka_ca", "kafka_protocol", lambda protocol: protocol.endswith("ssl"), _TLS),
    ("kafka_certificate", "kafka_protocol", lambda protocol: protocol.endswith("ssl"), _TLS),
    ("kafka_key", "kafka_certificate", bool, "a key only with a --kafka-certificate"),
    ("kafka_user", "kafka_protocol", lambda protocol: protocol.startswith("sasl"), _SASL),
    ("kafka_password_file", "kafka_user", bool, "a password only with a --kafka-user"),
)


@attrs.frozen(kw_only=True)
class KafkaSettings:
    """How a server connects to the brokers of its log.

    Attributes:
        kafka_password: the password for SASL; it has no row, because everybody on the machine can see a flag.
    """

    kafka_protocol: str = setting(
        KAFKA,
        one_of(KAFKA_PROTOCOLS, "PROTOCOL"),
        "How to connect to the brokers: `ssl` is with TLS, `sasl` with a login.",
        default="plaintext",
        finds_canvas=True,
    )
    kafka_ca: Path | None = setting(
        KAFKA,
        FILE,
        "PEM file with the certificate authorities to trust when brokers show their certificates.",
        default=None,
        instead="the system's",
        finds_canvas=True,
    )
    kafka_certificate: Path | None = setting(
        KAFKA,
        FILE,
        "PEM file with this server's own certificate, for brokers that ask for one.",
        default=None,
        finds_canvas=True,
    )
    kafka_key: Path | None = setting(
        KAFKA,
        FILE,
        "PEM file with that certificate's private key.",
        default=None,
        instead="in the certificate's file",
        finds_canvas=True,
    )
    kafka_mechanism: str = setting(
        KAFKA,
        one_of(KAFKA_MECHANISMS, "MECHANISM"),
        "SASL mechanism of the login.",
        default="SCRAM-SHA-512",
        finds_canvas=True,
    )
    kafka_user: str | None = setting(
        KAFKA,
        USER,
        "User name of the login. Its password is in the variable `PLACED_KAFKA_PASSWORD`, or in a file.",
        more="There is no flag for the password.",
        default=None,
        finds_canvas=True,
    )
    kafka_password_file: Path | None = setting(
        KAFKA,
        FILE,
        "File whose first line is the password of the login.",
        default=None,
        finds_canvas=True,
    )
    kafka_replication: int | None = setting(
        KAFKA,
        whole(1, 100, "COPIES"),  # clusters are smaller
        "How many copies of each record the brokers keep; it counts when placed creates the topic.",
        default=None,
        instead="the cluster's",
    )
    exit_if_unreachable: bool = setting(
        KAFKA,
        SWITCH,
        "End with exit code 3 when no broker answers at the start, instead of waiting for one.",
        more="While the server waits, `/readyz` answers 503.",
        default=False,
    )

    kafka_password: str | None = attrs.field(default=None, repr=False)

    def check_kafka(self) -> None:
        """Check that these settings fit together; raises SettingError."""
        check_needs(self, _NEEDS)
        if self.kafka_protocol.startswith("sasl"):
            self._check_login()

    def _check_login(self) -> None:
        if self.kafka_user is None:
            raise SettingError("kafka_protocol", f"{self.kafka_protocol!r}; allowed is SASL only with a --kafka-user")
        if (self.kafka_password is None) == (self.kafka_password_file is None):
            allowed = "a user with one password, from PLACED_KAFKA_PASSWORD or --kafka-password-file"
            raise SettingError("kafka_user", f"{self.kafka_user!r}; allowed is {allowed}")
