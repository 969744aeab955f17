"""Finds environment variables that look like settings and aren't: a mistyped name must not pass in silence. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from placed.commands.settings.nearest import nearest_of
from placed.commands.settings.origin import PREFIX

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# Kubernetes sets such variables in every container, if a Service is named placed, or placed-something.
_SERVICE_NAME: Final = re.compile(
    r"\w+_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)", re.ASCII
)
_SERVICE_ADDRESS: Final = re.compile(r"(?:tcp|udp|sctp)://", re.ASCII)
SERVICE_HINT: Final = (
    "; Kubernetes sets this variable for a Service named placed: set enableServiceLinks: false, or rename the Service"
)


def is_of_service(value: object) -> bool:
    """Whether a value has the form that Kubernetes uses for the port of a Service."""
    return isinstance(value, str) and _SERVICE_ADDRESS.match(value) is not None


def why_unknown(environment: Mapping[str, str], known: Collection[str], silent: str) -> str | None:
    """Say that a variable with our prefix is unknown; None if there is no such variable.

    Empty variables count as not set, and Kubernetes' variables are allowed.

    Args:
        environment: the process's variables.
        known: the names that people may use.
        silent: one more allowed name, which the message doesn't list.
    """
    for name, value in sorted(environment.items()):
        if not name.startswith(PREFIX) or name in known or name == silent or not value:
            continue
        if not _SERVICE_NAME.fullmatch(name) and not is_of_service(value):
            return f"{name[:100]} is not a setting; {nearest_of(name, sorted(known), PREFIX)}"
    return None
