"""Small segments, as for the history's own tests."""

from __future__ import annotations

from tests.history.conftest import small_segments

__all__ = ["small_segments"]
