"""`GET /preview.png`: the picture of the canvas that a chat shows beside a link to it.

If only people who have signed in may watch, everybody gets the same plain picture: the server of a chat hasn't signed
in, and it stores the picture that it gets.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.canvas.preview import preview
from placed.http.answer import Answer, has_tag

if TYPE_CHECKING:
    from placed.http.answer import Body, Request
    from placed.tasks.image import PreviewEncoder

_CACHING: Final = ("Cache-Control", "public, max-age=60")
_NOSNIFF: Final = ("X-Content-Type-Options", "nosniff")
_PLAIN_TAG: Final = '"plain"'
# The software's icon: each digit is a colour of `_MOTIF_RGB`.
_MOTIF: Final = ("00000000", "01100220", "01100220", "00033000", "00033000", "04400550", "04400550", "00000000")
_MOTIF_RGB: Final = bytes.fromhex("222222 e50000 e5d900 0083c7 02be01 ffffff")


@attrs.frozen
class Previews:
    """The previews of one canvas.

    Attributes:
        encoder: makes the previews.
        hides: whether only people who have signed in may see the canvas.
    """

    encoder: PreviewEncoder
    hides: bool = False

    async def answer(self, request: Request) -> Answer:
        """The picture, or 304 to a client that has it."""
        if self.hides:
            return _answer(request, _PLAIN_TAG, plain())
        image = self.encoder.fresh() or await self.encoder.image()
        return _answer(request, image.etag, image.file)


@cache
def plain() -> bytes:
    """A preview that shows nothing of the canvas."""
    pixels = np.array([[int(color) for color in row] for row in _MOTIF], np.uint8)
    return preview(pixels, _MOTIF_RGB)


def _answer(request: Request, etag: str, body: Body) -> Answer:
    headers = (_CACHING, ("ETag", etag), _NOSNIFF)
    if has_tag(request.headers.get("if-none-match"), etag):
        return Answer(304, headers)
    return Answer(200, (("Content-Type", "image/png"), *headers), body)
