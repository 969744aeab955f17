"""The errors that a provider can cause. Pure.

ProviderError
+-- ProviderDown      the provider can't be reached, or has a fault: another time it may work
+-- ProviderRefused   the provider refuses this server: the config file, or the provider's settings, are wrong
+-- Disbelieved       the server can't believe the provider's answer
"""

from __future__ import annotations

from typing import ClassVar


class ProviderError(Exception):
    """Nobody was signed in; the message is for the operator, and has no secret in it.

    Attributes:
        reason: the word that the page gets.
    """

    reason: ClassVar[str]


class ProviderDown(ProviderError):
    """The provider can't be reached, or has a fault."""

    reason = "provider-down"


class ProviderRefused(ProviderError):
    """The provider refuses this server."""

    reason = "provider-error"


class Disbelieved(ProviderError):
    """The server can't believe the provider's answer."""

    reason = "bad-answer"
