"""Makes the rows of the table of settings: attrs fields that know their allowed values and their help text. Pure.

    width: int | None = setting(CANVAS, whole(1, 4096, "PIXELS"), "Width of a new canvas.", default=None)

Flags, variables, keys of the config file, --help, and the tables in docs/settings.md are made from these rows. The
field's converter checks each value, once, when somebody makes an object of the class.
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
        reason: the value, and the allowed values.
        value: the value before any conversion.
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
        section: its heading in --help and the docs.
        kind: checks a value; for a setting with many values, each of them.
        text: the sentence of --help, in Markdown. It is for somebody who has read nothing else.
        more: further sentences for the docs.
        default: the value without the setting.
        instead: words for the default, if `default` can't say it; also in Markdown.
        found: looks the default up on this machine, for the command line alone.
        many: whether a user may give it several times; its value is then a tuple.
        finds_canvas: whether it says where a canvas is, so that commands other than serving take it, too.
        name: its name with underscores, in the singular; empty means the attribute's name.
        attribute: its name in Python; empty if it stands for other settings.
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
        """The flag in the form of --help: `--width`, or `--fast-lane/--no-fast-lane`."""
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
        """The value in its one form, or a tuple of them if there may be many; None if that is the default.

        Raises:
            SettingError: the value isn't allowed.
        """
        if value is None and self.default is None and self.found is None:
            return None
        if not self.many:
            return self.check_one(value)
        if not isinstance(value, tuple | list):
            raise self.refusal(value, "; as a list")
        return tuple(self.check_one(one) for one in value)

    def check_one(self, value: object) -> Any:
        """One value in its one form, also for a setting that may have many.

        Raises:
            SettingError: the value isn't allowed.
        """
        try:
            return self.kind.parse(value)
        except Unusable as error:
            raise SettingError(self.name, str(error), value) from None
        except (ValueError, TypeError):
            raise self.refusal(value) from None

    def refusal(self, value: object, how: str = "") -> SettingError:
        """The error that says that `value` isn't allowed; `how` adds the form that is needed."""
        return SettingError(self.name, f"{_REPR.repr(value)}; allowed is {self.kind.allowed}{how}", value)


# A setting, another setting that it needs, whether that one's value is enough, and the words for what is allowed.
Need = tuple[str, str, "Callable[[Any], bool]", str]


def check_needs(settings: object, needs: tuple[Need, ...]) -> None:
    """Check that settings fit together.

    Raises:
        SettingError: a setting has a value, and the value of the setting that it needs isn't enough.
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

    A `found` default is for the command line alone: Python code has to give the field a value.
    """
    return _field(Setting(section=section, kind=kind, text=text, **about))


def many_of(
    section: str, kind: Kind[T], text: str, *, name: str, default: tuple[T, ...] = (), more: str = "", instead: str = ""
) -> tuple[T, ...]:
    """A field for a setting that may be given several times; `name` is in the singular."""
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
