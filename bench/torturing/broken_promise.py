"""The exception for a broken promise."""

from __future__ import annotations


class Broken(Exception):
    """A promise was broken.

    Attributes:
        promise: its number in the design, or 0 for another documented promise.
    """

    def __init__(self, promise: int, what: str) -> None:
        super().__init__(f"promise {promise}: {what}" if promise else what)
        self.promise = promise
