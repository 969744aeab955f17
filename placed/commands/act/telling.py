"""Puts the server's answers about acts into words: results, previews, and the record. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN_PAINTERS: Final = 10
_KNOWN: Final = ("id", "kind", "time", "by", "name", "done", "undone", "pixels")


def done_line(told: dict[str, Any]) -> str:
    """The line about an act that was done."""
    painted = f"{told['pixels']:,} pixels painted, " if told["pixels"] else ""
    return f"act {told['id']}: {painted}visible from version {told['v']} on"


def preview_lines(told: dict[str, Any]) -> Iterator[str]:
    """The lines of a preview."""
    yield f"{told['pixels']:,} pixels would change" + (f", in the area {told['area']}" if told["area"] else "")
    for painter in (told["authors"] or [])[:_SHOWN_PAINTERS]:
        yield f"  {painter['pixels']:,} painted by {painter['author']}  {painter.get('name', '')}".rstrip()
    if len(told["authors"] or []) > _SHOWN_PAINTERS:
        yield f"  and {len(told['authors']) - _SHOWN_PAINTERS} others"


def ban_line(told: dict[str, Any]) -> str:
    """The line of a banned author."""
    until = f"until {told['until']}" if told["until"] else "for good"
    return "  ".join(part for part in (told["author"], until, f"by act {told['act']}", told.get("name", "")) if part)


def protection_line(told: dict[str, Any]) -> str:
    """The line of a protected area."""
    return f"{told['act']:>8}  {','.join(str(part) for part in told['area'])}"


def record_line(told: dict[str, Any]) -> str:
    """The line of an act on record."""
    pixels = f"{told['pixels']:,} pixels" if told.get("pixels") is not None else ""
    state = "undone" if told["undone"] else "" if told["done"] else "unfinished"
    rest = " ".join(f"{name}={told[name]}" for name in told if name not in _KNOWN)
    parts = [
        f"{told['id']:>8}",
        told["time"],
        f"{told['kind']:<9}",
        told.get("name") or told["by"],
        pixels,
        state,
        rest,
    ]
    return "  ".join(part for part in parts if part)
