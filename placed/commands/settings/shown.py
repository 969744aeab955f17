"""Puts a setting's row into words: for --help, and for the tables in docs/settings.md. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from placed.commands.settings.setting import Setting


def help_of(row: Setting) -> str:
    """The row's text in --help: `Width of a new canvas. [1 to 4096; default: 1000]`."""
    parts = [row.kind.bounds, "can be repeated" if row.many else "", _default_in_help(row)]
    extra = "; ".join(part for part in parts if part)
    return _plain(f"{row.text}  [{extra}]" if extra else row.text)


def in_docs(row: Setting) -> tuple[str, str, str, str, str]:
    """The row's cells in docs/settings.md, in Markdown: flag, variable, key, what it is, default."""
    flags = [f"`{flag}`" for flag in row.flag.split("/")]
    what = [
        row.text,
        row.more,
        f"{row.kind.bounds}." if row.kind.bounds else "",
        "Can be repeated." if row.many else "",
    ]
    if row.is_switch:
        what.append(f"As a flag {' or '.join(flags)}.")
    return flags[0], f"`{row.variable}`", f"`{row.key}`", " ".join(part for part in what if part), default_of(row)


def default_of(row: Setting) -> str:
    """The default in Markdown: a value, or words."""
    if row.instead:
        return row.instead
    if row.many:
        return ", ".join(f"`{one}`" for one in row.default) or "none"
    return "none" if row.default is None else f"`{_value(row.default)}`"


def _default_in_help(row: Setting) -> str:
    default = default_of(row)
    return "" if default == "none" else f"default: {default}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _plain(markdown: str) -> str:
    return markdown.replace("`", "")
