"""A disk that is soon full, as the promises' tests have it."""

from __future__ import annotations

from tests.promises.conftest import small_disk

__all__ = ["small_disk"]
