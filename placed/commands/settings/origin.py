"""Says where a setting's value comes from, in the form that the operator wrote. Pure.

--width 65          a flag, also for a value of unknown origin
PLACED_WIDTH=65     an environment variable
width = 65          a line of the config file
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from pathlib import Path

PREFIX: Final = "PLACED_"


def flag_of(setting: str) -> str:
    """The flag of a setting: `charge_seconds` has --charge-seconds."""
    return f"--{setting.replace('_', '-')}"


def variable_of(setting: str) -> str:
    """The environment variable of a setting: `charge_seconds` has PLACED_CHARGE_SECONDS."""
    return PREFIX + setting.upper()


@attrs.frozen
class Origin:
    """Where one value comes from.

    Attributes:
        name: the flag, the variable, or the key as it is in the file.
        file: the config file; None for a flag or a variable.
        line: the key's line in the file, from 1; None if it isn't known.
        given: the value before it was checked.
        is_default: whether nobody chose the value.
    """

    name: str
    file: Path | None = None
    line: int | None = None
    given: object = None
    is_default: bool = False

    def __str__(self) -> str:
        """Words for the beginning of an error: `placed.toml: width`."""
        return f"{self.file}: {self.name}" if self.file else self.name

    @property
    def phrase(self) -> str:
        """Words within a sentence: `width in placed.toml`."""
        return f"{self.name} in {self.file}" if self.file else self.name

    @property
    def place(self) -> str:
        """Words for a list of settings: `placed.toml, line 3`."""
        if self.is_default:
            return "default"
        return f"{self.file}, line {self.line}" if self.file and self.line else str(self.file or self.name)

    def with_value(self, value: object) -> str:
        """The setting and its value, in the form of that place: `width = 65 in placed.toml`."""
        if self.file:
            return f"{self.name} = {value} in {self.file}"
        return f"{self.name}{'=' if self.name.startswith(PREFIX) else ' '}{value}"
