"""Names for people who sign in with an account from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.people.free_names import free_name
from placed.people.names import MOST_CHARACTERS, name_of, skeleton

if TYPE_CHECKING:
    from collections.abc import Iterable


def found(*told: object, taken: Iterable[str] = ()) -> str | None:
    """The name for a person with these names elsewhere."""
    skeletons = {skeleton(name) for name in taken}
    name = free_name(told, skeletons.__contains__)
    return None if name is None else name.text


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (["ada"], "ada"),
        ([None, "ada"], "ada"),
        ([5, "", "  ", "ada"], "ada"),
        (["ada@example.org"], "ada"),
        (["@ada"], "@ada"),
        (["  Ada\n\tLovelace "], "Ada Lovelace"),
        (["a" * 500], "a" * MOST_CHARACTERS),
        (["Ada\u202eevil"], "Adaevil"),
        (["\uff41\uff44\uff41"], "ada"),
        (["!!!", "ada"], "ada"),
        (["!!!"], None),
        ([], None),
    ],
)
def test_name_is_brought_into_shape(told: list[object], name: str | None) -> None:
    assert found(*told) == name


def test_name_that_somebody_has_gets_a_number() -> None:
    assert found("ada", taken=["Ada"]) == "ada 2"
    assert found("ada", taken=["Ada", "ada 2"]) == "ada 3"
    assert found("а" + "da", taken=["ada"]) == "а" + "da 2"  # noqa: RUF001 - a Cyrillic letter
    long = "a" * 40
    assert found(long, taken=["a" * MOST_CHARACTERS]) == "a" * (MOST_CHARACTERS - 2) + " 2"


def test_name_that_everybody_has_is_none() -> None:
    assert free_name(["ada"], lambda _: True) is None


@given(st.lists(st.one_of(st.text(max_size=60), st.none()), max_size=3), st.sets(st.text(max_size=3), max_size=3))
def test_any_name_found_is_allowed_and_free(told: list[str | None], taken: set[str]) -> None:
    name = free_name(told, taken.__contains__)
    if name is not None:
        assert name_of(name.text) == name.text
        assert name.skeleton == skeleton(name.text)
        assert name.skeleton not in taken
