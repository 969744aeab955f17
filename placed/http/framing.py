"""Says which sites' pages may show the canvas in a frame: only this site's, and those of `--allow-embed`.

A page can lead somebody to click on a frame that they take for something else. That is why it needs a setting. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def frame_ancestors(sites: Sequence[str]) -> str:
    """The directive of a Content-Security-Policy by which browsers show the page in frames of these sites alone."""
    return " ".join(("frame-ancestors 'self'", *sites))
