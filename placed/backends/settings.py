"""The settings needed to open a log. The command line makes them; its settings have more attributes than these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class SettingOrigin(Protocol):
    """Where the operator wrote one setting."""

    def with_value(self, value: object, /) -> str:
        """The setting as the operator wrote it, for messages."""


class LogSettings(Protocol):
    """The settings that name a log, and say how to reach it; `log` is None for the LMDB log below `data`."""

    @property
    def data(self) -> Path: ...
    @property
    def log(self) -> str | None: ...
    @property
    def kafka_protocol(self) -> str: ...
    @property
    def kafka_ca(self) -> Path | None: ...
    @property
    def kafka_certificate(self) -> Path | None: ...
    @property
    def kafka_key(self) -> Path | None: ...
    @property
    def kafka_mechanism(self) -> str: ...
    @property
    def kafka_user(self) -> str | None: ...
    @property
    def kafka_password(self) -> str | None: ...
    @property
    def kafka_password_file(self) -> Path | None: ...
    @property
    def kafka_replication(self) -> int | None: ...
    def origin(self, setting: str, /) -> SettingOrigin: ...
