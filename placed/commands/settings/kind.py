"""Defines kinds of settings, which check values: `whole(1, 4096)` is a whole number in those bounds. Pure.

A kind takes a value as text, from a flag or a variable, or as TOML or Python give it. It returns the value in its one
form, or raises an error. The kinds that know about networks, files and palettes are in `kinds`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_WHOLE: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_ON, _OFF = ("on", "true", "yes", "1"), ("off", "false", "no", "0")


class Unusable(ValueError):
    """A value that isn't allowed, with the reason; the message is for people."""


@attrs.frozen(kw_only=True)
class Kind(Generic[T]):
    """The allowed values of a setting, and how to read them.

    Attributes:
        parse: takes a value, and returns it in its one form. Raises ValueError or TypeError if the value isn't allowed,
            or `Unusable` if the words in `allowed` wouldn't be enough.
        allowed: the allowed values, in words for an error.
        bounds: the same in a few words of Markdown, for --help and the docs; empty if the setting's own sentence says
            it.
        unit: the word behind the flag in --help: `--width PIXELS`.
        toml: the types of such a value in TOML.
    """

    parse: Callable[[Any], T]
    allowed: str
    bounds: str = ""
    unit: str = "TEXT"
    toml: tuple[type, ...] = (str,)


def text(parse: Callable[[str], T], allowed: str, unit: str, bounds: str = "") -> Kind[T]:
    """The kind of a setting that is text everywhere, also in TOML."""

    def parse_text(value: object) -> T:
        if not isinstance(value, str):
            raise TypeError
        return parse(value)

    return Kind(parse=parse_text, allowed=allowed, unit=unit, bounds=bounds)


def whole(low: int, high: int, unit: str = "COUNT") -> Kind[int]:
    """The kind of whole numbers from `low` to `high`, both included."""

    def parse(value: object) -> int:
        number = int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value
        if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
            raise ValueError
        return number

    allowed = f"a whole number from {low} to {high}"
    return Kind(parse=parse, allowed=allowed, bounds=f"{low} to {high}", unit=unit, toml=(int,))


def one_of(words: tuple[str, ...], unit: str) -> Kind[str]:
    """The kind of a choice between words, in large or small letters."""

    def parse(value: str) -> str:
        (word,) = [word for word in words if word.lower() == value.lower()]
        return word

    shown = [f"`{word}`" for word in words]
    return text(parse, _either(words), unit, _either(shown))


def _either(words: tuple[str, ...] | list[str]) -> str:
    return " or ".join((", ".join(words[:-1]), words[-1]))


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise TypeError
    if value.lower() not in _ON + _OFF:
        raise ValueError
    return value.lower() in _ON


SWITCH: Final[Kind[bool]] = Kind(parse=_switch, allowed="on or off", unit="", toml=(bool,))
