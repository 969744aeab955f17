"""The rows about a host's own page, a part of the table of settings; `values` has the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from placed.commands.settings.kinds import FILE, TITLE
from placed.commands.settings.people import PeopleSettings
from placed.commands.settings.sections import PAGE
from placed.commands.settings.setting import setting

if TYPE_CHECKING:
    from pathlib import Path


@attrs.frozen(kw_only=True)
class PageSettings(PeopleSettings):
    """The texts and the picture that the page, and a link to it, show of the canvas."""

    title: str | None = setting(
        PAGE,
        TITLE,
        "Title of the canvas: on the page, in the browser's tab, and where somebody shares a link to it.",
        default=None,
        instead="`placed`",
    )
    about: Path | None = setting(
        PAGE,
        FILE,
        "Markdown file about the canvas; the page shows it when a visitor asks for it.",
        more="At most 64 KB. HTML and pictures in it are shown as text. Everybody may read it, also with "
        "`--watch signed-in`.",
        default=None,
        instead="nothing",
    )
    icon: Path | None = setting(
        PAGE,
        FILE,
        "The canvas's icon: a square PNG, or an SVG.",
        more="A PNG of 180 x 180 or more is also the icon on a phone's home screen. At most 1,024 x 1,024, and 256 KB.",
        default=None,
        instead="placed's own",
    )
