"""Says where a Kafka log is, `kafka://HOST:PORT[,HOST:PORT…]/TOPIC`, and how to speak to its brokers. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from pathlib import Path


@attrs.frozen
class KafkaPlace:
    """Brokers, each HOST:PORT, and a topic; as text, the URL."""

    brokers: tuple[str, ...]
    topic: str

    @classmethod
    def parse(cls, url: str) -> KafkaPlace:
        """The place that a URL names; `placed.commands.settings.kinds` has checked the URL."""
        brokers, _, topic = url.removeprefix("kafka://").partition("/")
        return cls(tuple(brokers.split(",")), topic)

    def __str__(self) -> str:
        return f"kafka://{','.join(self.brokers)}/{self.topic}"


@attrs.frozen(kw_only=True)
class KafkaSecurity:
    """How to speak to the brokers.

    Attributes:
        protocol: plaintext, ssl, sasl_plaintext or sasl_ssl, as Kafka names them.
        ca: a PEM file with the authorities to trust; None trusts the system's.
        certificate: a PEM file with the client's own certificate; None has none.
        key: the PEM file with the certificate's key.
        mechanism: the SASL mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
        user: the SASL user.
        password: the SASL password; never shown.
    """

    protocol: str = "plaintext"
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    mechanism: str = "SCRAM-SHA-512"
    user: str | None = None
    password: str | None = attrs.field(default=None, repr=False)

    def config(self) -> dict[str, Any]:
        """The same as kafka-python's options, without the certificates."""
        config: dict[str, Any] = {"security_protocol": self.protocol.upper()}
        if self.protocol.startswith("sasl"):
            config |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
            }
        return config


PLAIN: Final = KafkaSecurity()
