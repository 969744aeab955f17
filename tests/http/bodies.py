"""Bodies of answers, as bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from placed.http.answer import Answer


def body_of(answer: Answer) -> bytes:
    """The body of an answer that isn't shared with others."""
    assert isinstance(answer.body, bytes)
    return answer.body
