"""Suggestions for a name that doesn't exist."""

from __future__ import annotations

import click
import pytest

from placed.commands.settings.nearest import nearest_of
from placed.commands.suggesting_group import NearGroup

KEYS = ("host", "charge-seconds", "history", "[[oidc]]")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hots", "did you mean host?"),
        ("Host", "did you mean host?"),
        ("Charge_Second", "did you mean charge-seconds?"),
        ("no-history", "did you mean history?"),
        ("oidc", "did you mean [[oidc]]?"),
        ("xyzxyz", "allowed are host, charge-seconds, history, [[oidc]]"),
    ],
)
def test_nearest_name_is_told_or_all_of_them(name: str, said: str) -> None:
    assert nearest_of(name, KEYS) == said


def test_prefix_of_all_makes_none_alike() -> None:
    assert nearest_of("PLACED_XYZ", ["PLACED_PORT"], "PLACED_") == "allowed are PLACED_PORT"


@pytest.mark.parametrize(
    ("name", "said"),
    [("lsit", "'lsit'; did you mean list?"), ("serve", "'serve'; allowed are codes, list"), ("--x", "--x")],
)
def test_group_tells_it_of_its_commands(name: str, said: str) -> None:
    group = NearGroup("people", {each: click.Command(each) for each in ("list", "codes")})
    with pytest.raises(click.UsageError) as refused:
        group.main([name], standalone_mode=False)
    assert said in refused.value.format_message()
