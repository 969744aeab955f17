"""Holds what a host gives a canvas of their own: its title, what there is to say about it, and its icon. Pure."""

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
    """What a host gives.

    Attributes:
        own_title: theirs; None where they give none.
        about: what they say of the canvas; None for nothing.
        icon: their picture; None for the software's own.
    """

    own_title: str | None = None
    about: About | None = None
    icon: Icon | None = None

    @property
    def title(self) -> str:
        """What the page is called."""
        return self.own_title or SOFTWARE

    @property
    def description(self) -> str:
        """A sentence for chats and search engines."""
        return (self.about and self.about.summary) or _DESCRIPTION

    def told(self) -> dict[str, Any]:
        """Its members of `/info`."""
        return {"title": self.own_title, "about": self.about is not None}
