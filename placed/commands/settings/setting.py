"""Makes the rows of the table of settings: attrs fields that know what a value may be and what --help says. Pure.

    width: int | None = setting(CANVAS, whole(1, 4096, "PIXELS"), "Width of a new canvas.", default=None)

Flags, variables, keys of the config file, --help, and the tables in docs/settings.md are made from these rows. Each
value is checked once, when the class that has the rows is called: that is the field's converter.
"""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

import attrs

from placed.commands.settings.kind import SWITCH, Unusable
from placed.commands.settings.origin import flag_of, variable_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from placed.commands.settings.kind import Kind

T = TypeVar("T")
D = TypeVar("D")

_ROW: Final = "setting"  # the key of a field's metadata

_REPR = reprlib.Repr()  # bounds what a message shows of a value
_REPR.maxstring = _REPR.maxother = 100


class SettingError(ValueError):
    """A setting that can't be used.

    Attributes:
        setting: its name, with underscores.
        reason: the value and what is allowed.
        value: the value as it was given.
    """

    def __init__(self, setting: str, reason: str, value: object = None) -> None:
        super().__init__(f"{flag_of(setting)}: {reason}")
        self.setting = setting
        self.reason = reason
        self.value = value


@attrs.frozen(kw_only=True)
class Setting:
    """One row of the table.

    Attributes:
        section: the heading under which --help and the docs have it.
        kind: says which values are allowed; where there may be many, each of them.
        text: the sentence of --help, in Markdown. It is for somebody who has read nothing else.
        more: further sentences for the docs.
        default: the value without the setting.
        instead: words for the default, where `default` can't say it; also in Markdown.
        found: looks the default up on this machine, for the command line alone.
        many: whether it may be given several times, and is a tuple.
        finds_canvas: whether it says where a canvas is, so that commands beside the server take it, too.
        name: with underscores, in the singular; empty is the attribute's.
        attribute: the name in Python; empty where it stands for other settings.
    """

    section: str
    kind: Kind[Any]
    text: str
    more: str = ""
    default: Any = None
    instead: str = ""
    found: Callable[[], Any] | None = None
    many: bool = False
    finds_canvas: bool = False
    name: str = ""
    attribute: str = ""

    @property
    def flag(self) -> str:
        """As --help has it: `--width`, or `--fast-lane/--no-fast-lane`."""
        flag = flag_of(self.name)
        return f"{flag}/--no-{flag[2:]}" if self.is_switch else flag

    @property
    def variable(self) -> str:
        """The environment variable."""
        return variable_of(self.name)

    @property
    def key(self) -> str:
        """The key in the config file."""
        return self.name.replace("_", "-")

    @property
    def is_switch(self) -> bool:
        """Whether its flags have no value: --this turns it on, and --no-this off."""
        return self.kind is SWITCH

    def check(self, value: object) -> Any:
        """The value in its one form, or a tuple of them where there may be many; None where that is the default.

        Raises:
            SettingError: it isn't allowed.
        """
        if value is None and self.default is None and self.found is None:
            return None
        if not self.many:
            return self.check_one(value)
        if not isinstance(value, tuple | list):
            raise self.refusal(value, "; as a list")
        return tuple(self.check_one(one) for one in value)

    def check_one(self, value: object) -> Any:
        """The value in its one form; where there may be many, this is one of them.

        Raises:
            SettingError: it isn't allowed.
        """
        try:
            return self.kind.parse(value)
        except Unusable as error:
            raise SettingError(self.name, str(error), value) from None
        except (ValueError, TypeError):
            raise self.refusal(value) from None

    def refusal(self, value: object, how: str = "") -> SettingError:
        """The error that says that `value` isn't allowed; `how` adds in which form it must be."""
        return SettingError(self.name, f"{_REPR.repr(value)}; allowed is {self.kind.allowed}{how}", value)


# A setting, the one that it needs beside it, whether that one's value is enough, and what is allowed otherwise.
Need = tuple[str, str, "Callable[[Any], bool]", str]


def check_needs(settings: object, needs: tuple[Need, ...]) -> None:
    """Hold settings against each other.

    Raises:
        SettingError: one is set, and the value of the one that it needs isn't enough.
    """
    for name, other, is_enough, allowed in needs:
        value = getattr(settings, name)
        if value is not None and not is_enough(getattr(settings, other)):
            raise SettingError(name, f"{str(value)!r}; allowed is {allowed}")


def row_of(field: attrs.Attribute[Any]) -> Setting | None:
    """The row that a field was made from; None for a field that is no setting."""
    row: Setting | None = field.metadata.get(_ROW)
    return row and attrs.evolve(row, name=row.name or field.name, attribute=field.name)


@overload
def setting(
    section: str,
    kind: Kind[T],
    text: str,
    *,
    default: D,
    more: str = "",
    instead: str = "",
    finds_canvas: bool = False,
) -> T | D: ...


@overload
def setting(
    section: str, kind: Kind[T], text: str, *, found: Callable[[], T], more: str = "", instead: str, finds_canvas: bool
) -> T: ...


def setting(section: str, kind: Kind[Any], text: str, **about: Any) -> Any:
    """A field of an attrs class that is a setting; the arguments are `Setting`'s.

    A default that is `found` is for the command line alone: in Python the field has to be given.
    """
    return _field(Setting(section=section, kind=kind, text=text, **about))


def many_of(
    section: str, kind: Kind[T], text: str, *, name: str, default: tuple[T, ...] = (), more: str = "", instead: str = ""
) -> tuple[T, ...]:
    """A field that is a setting which may be given several times; `name` is that of one of them."""
    row = Setting(
        section=section, kind=kind, text=text, name=name, default=default, more=more, instead=instead, many=True
    )
    field: tuple[T, ...] = _field(row)
    return field


def _field(row: Setting) -> Any:
    default = attrs.NOTHING if row.found else row.default
    return attrs.field(default=default, converter=_check, metadata={_ROW: row})


def _convert(value: object, field: attrs.Attribute[Any]) -> Any:
    row = row_of(field)
    assert row is not None
    return row.check(value)


_check: Final = attrs.Converter(_convert, takes_field=True)
