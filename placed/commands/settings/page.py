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
    """What the page says of the canvas, and what a link to it shows."""

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
        "File of Markdown that tells about the canvas; the page shows it when somebody asks.",
        more="At most 64 KB. HTML and pictures in it are shown as text. Everybody may read it, whoever may watch.",
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
