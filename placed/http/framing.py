"""Which sites' pages may show the canvas in a frame: only this one's, and those of `--allow-embed`.

What is shown in a frame can be clicked on by somebody who is led to believe that it is something else: that is why it
takes a setting. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def frame_ancestors(sites: Sequence[str]) -> str:
    """The directive of a Content-Security-Policy by which browsers show the page in frames of these sites alone."""
    return " ".join(("frame-ancestors 'self'", *sites))
