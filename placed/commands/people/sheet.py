"""A sheet of codes to print and cut: one HTML file without other files, fifteen cards a page, on A4 and on letter.

Each card has a QR code, which opens the page and signs the person in; the code itself, for somebody without a camera;
and the number that a host needs to revoke the code.
"""

from __future__ import annotations

import html
import io
from typing import TYPE_CHECKING, Final

import segno

from placed.people.invitations import code_link

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_COLUMNS, _ROWS = 3, 5
# A4 has 210 x 297 mm, letter 216 x 279: with margins of 10 mm, three cards of 62 mm and five of 51 fit on both.
_STYLE: Final = """
@page { margin: 10mm }
* { box-sizing: border-box }
body { margin: 0; color: #000; background: #fff; font: 10pt/1.3 system-ui, sans-serif }
section { display: grid; grid-template-columns: repeat(3, 62mm); grid-auto-rows: 51mm; width: 186mm; margin: 0 auto;
  border: solid #999; border-width: 0 1px 1px 0; border-style: dashed }
section + section { break-before: page }
article { border: 1px dashed #999; border-width: 1px 0 0 1px; padding: 0 2mm; text-align: center;
  break-inside: avoid; overflow: hidden }
svg { width: 30mm; height: 30mm; display: block; margin: 0 auto }
b { display: block; font: 700 12.5pt/1.2 ui-monospace, monospace }
p, small { display: block; margin: 0; font-size: 7pt; line-height: 1.2; overflow-wrap: anywhere }
small { color: #555 }
h1 { overflow-wrap: anywhere }
header p { font-size: 10pt }
header { max-width: 186mm; margin: 10mm auto; padding: 0 2mm }
@media screen { section { margin-bottom: 8mm } }
@media print { header { display: none } }
"""


def sheet_of(codes: Sequence[dict[str, str]], address: str) -> Iterator[str]:
    """The pieces of the page.

    Args:
        codes: the codes, each with its `id` and its `code`.
        address: the canvas's address, as people type it.
    """
    shown = html.escape(address.rstrip("/"))
    yield "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
    yield '<meta name=viewport content="width=device-width">\n'
    yield f"<title>{len(codes)} codes for {shown}</title>\n<style>{_STYLE}</style>\n"
    yield (
        f"<header><h1>{len(codes)} codes for {shown}</h1>"
        "<p>Print this page, and cut along the lines: each card is for one person. Anybody with a card can sign in as "
        "that person, so keep this file as you keep a key, and delete it after printing.</p></header>\n"
    )
    for page in _pages(codes):
        yield "<section>\n"
        for card in page:
            yield _card(card, address, shown)
        yield "</section>\n"
    yield "</html>\n"


def _pages(codes: Sequence[dict[str, str]]) -> Iterator[Sequence[dict[str, str]]]:
    """The cards of each page."""
    size = _COLUMNS * _ROWS
    return (codes[begin : begin + size] for begin in range(0, len(codes), size))


def _card(code: dict[str, str], address: str, shown: str) -> str:
    text, number = html.escape(code["code"]), html.escape(code["id"])
    link = code_link(address, code["code"])
    return (
        f"<article>{_qr(link)}<b>{text}</b>"
        f"<small>No. {number}</small><p>Scan this, or type the code at<br>{shown}</p></article>\n"
    )


def _qr(link: str) -> str:
    out = io.BytesIO()
    # Level M is readable with 15 % of it dirty. The standard asks for a margin of four modules.
    segno.make(link, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=4, title="QR code"
    )
    return out.getvalue().decode().strip()
