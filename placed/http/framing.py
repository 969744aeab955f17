"""Says which sites' pages may show the canvas in a frame: only this site's, and those of `--allow-embed`.

A hostile page could show the canvas in a frame, make it look like something else, and so get people to click on it.
That is why other sites need a setting. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def frame_ancestors(sites: Sequence[str]) -> str:
    """The Content-Security-Policy directive that lets only this site and `sites` show the page in a frame."""
    return " ".join(("frame-ancestors 'self'", *sites))
