"""Makes HTML of a host's text about a canvas, which is Markdown. Pure.

The text may have CommonMark and tables. HTML in it is shown as text, and so are pictures: the page loads none from
elsewhere. Links to the web and to a mail address work; all others stay text. So nothing that a host pastes can run in
the page.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final

import attrs
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

MOST_BYTES: Final = 65_536  # ten pages of text; each phone that opens the panel loads it
_MOST_SUMMARY: Final = 200  # characters; chats show one to three lines
_LINKS: Final = ("https://", "http://", "mailto:")
_BREAKS: Final = ("softbreak", "hardbreak")
_SHIFT: Final = 2  # the page has one h1, and the panel's own title is its h2
_LOWEST: Final = 6
_DOCUMENT: Final = (
    '<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    "<title>{title}</title>\n</head>\n<body>\n{body}</body>\n</html>\n"
)


@attrs.frozen
class About:
    """A host's text about a canvas.

    Attributes:
        body: the text as HTML, without a page around it.
        summary: the beginning of its first paragraph, as plain text; empty without a paragraph.
    """

    body: str
    summary: str

    @classmethod
    def of(cls, markdown: str) -> About:
        """Read a text in Markdown."""
        tokens = _READER.parse(markdown)
        return cls(_READER.renderer.render(tokens, _READER.options, {}), _summary(tokens))

    def document(self, title: str) -> str:
        """The text as a whole HTML document."""
        return _DOCUMENT.format(title=html.escape(title), body=self.body)


class _Reader(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - as the library calls it
        return url.lower().startswith(_LINKS)


class _Renderer(RendererHTML):
    def link_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        # A person who follows a link keeps the canvas open, and the page that opens learns nothing of this one.
        tokens[at].attrs |= {"target": "_blank", "rel": "noopener noreferrer"}
        return self.renderToken(tokens, at, options, env)

    def heading_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return self._heading(tokens, at, options, env)

    def heading_close(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return self._heading(tokens, at, options, env)

    def _heading(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        level = min(int(tokens[at].tag[1:]) + _SHIFT, _LOWEST)
        tokens[at].tag = f"h{level}"
        return self.renderToken(tokens, at, options, env)


def _reader() -> MarkdownIt:
    options: dict[str, Any] = {"html": False, "linkify": False}
    return _Reader("commonmark", options, renderer_cls=_Renderer).enable("table").disable("image")


_READER: Final = _reader()


def _summary(tokens: Sequence[Token]) -> str:
    """The beginning of the first paragraph, cut between two words."""
    first = next((at for at, token in enumerate(tokens) if token.type == "paragraph_open"), None)
    if first is None:
        return ""
    parts = tokens[first + 1].children or []
    words = "".join(" " if part.type in _BREAKS else part.content for part in parts)
    text = " ".join(words.split())
    if len(text) <= _MOST_SUMMARY:
        return text
    cut = text[: _MOST_SUMMARY - 1]
    return f"{cut.rpartition(' ')[0] or cut} …"
