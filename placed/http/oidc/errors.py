"""What can go wrong with a provider. Pure.

ProviderError
+-- ProviderDown      it can't be reached, or has a fault: another time it may work
+-- ProviderRefused   it says no to us: the config file, or its own settings, are wrong
+-- Disbelieved       what it says can't be believed
"""

from __future__ import annotations

from typing import ClassVar


class ProviderError(Exception):
    """Nobody was signed in; the message is for the operator, and has no secret in it.

    Attributes:
        reason: the word that the page is told.
    """

    reason: ClassVar[str]


class ProviderDown(ProviderError):
    """See above."""

    reason = "provider-down"


class ProviderRefused(ProviderError):
    """See above."""

    reason = "provider-error"


class Disbelieved(ProviderError):
    """See above."""

    reason = "bad-answer"
