"""Holds the title, the about text and the icon that a host gives a canvas. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from placed.http.host_page.about import About
    from placed.http.host_page.icon import Icon

SOFTWARE: Final = "placed"
_DESCRIPTION: Final = "A shared canvas: paint a pixel and see everybody's at once"


@attrs.frozen
class Identity:
    """The title, text and icon of one canvas.

    Attributes:
        own_title: the host's title; None for the software's name.
        about: the host's text about the canvas; None without a text.
        icon: the host's icon; None for the software's own.
    """

    own_title: str | None = None
    about: About | None = None
    icon: Icon | None = None

    @property
    def title(self) -> str:
        """The title of the page."""
        return self.own_title or SOFTWARE

    @property
    def description(self) -> str:
        """A sentence for chats and search engines."""
        return (self.about and self.about.summary) or _DESCRIPTION

    def told(self) -> dict[str, Any]:
        """The members `title` and `about` of `/info`."""
        return {"title": self.own_title, "about": self.about is not None}
