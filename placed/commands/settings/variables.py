"""Finds environment variables that look like settings and are none: a mistyped name must not pass in silence. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from placed.commands.settings.nearest import nearest_of
from placed.commands.settings.origin import PREFIX

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# What Kubernetes gives every container where a Service is named placed, or placed-something: nobody wrote those.
_SERVICE_NAME: Final = re.compile(
    r"\w+_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)", re.ASCII
)
_SERVICE_ADDRESS: Final = re.compile(r"(?:tcp|udp|sctp)://", re.ASCII)
SERVICE_HINT: Final = (
    "; Kubernetes sets this variable where a Service is named placed: set enableServiceLinks: false, or rename that one"
)


def is_of_service(value: object) -> bool:
    """Whether a value is what Kubernetes has for the port of a Service."""
    return isinstance(value, str) and _SERVICE_ADDRESS.match(value) is not None


def why_unknown(environment: Mapping[str, str], known: Collection[str], silent: str) -> str | None:
    """Say why a variable that begins like ours is unknown; None when there is no such variable.

    Those that are empty count as not set, and those of Kubernetes are left alone.

    Args:
        environment: the process's.
        known: the names that people may use.
        silent: one that is known, too, and nobody's business.
    """
    for name, value in sorted(environment.items()):
        if not name.startswith(PREFIX) or name in known or name == silent or not value:
            continue
        if not _SERVICE_NAME.fullmatch(name) and not is_of_service(value):
            return f"{name[:100]} is not a setting; {nearest_of(name, sorted(known), PREFIX)}"
    return None
