"""Small segments, so that a short log has several."""

from __future__ import annotations

import pytest


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of at most 12 edits and 5 other records, and overviews of 3 of them."""
    monkeypatch.setattr("placed.history.tail.MOST_EDITS", 12)
    monkeypatch.setattr("placed.history.tail.MOST_OTHERS", 5)
    monkeypatch.setattr("placed.history.overview.SEGMENTS", 3)
    monkeypatch.setattr("placed.history.overview_files.SEGMENTS", 3)
    monkeypatch.setattr("placed.history.overview_files.FEW_SEGMENTS", 3)
