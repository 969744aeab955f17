"""Names: which texts are names, and which two names look alike."""

# ruff: noqa: RUF001 - it is about letters that look like others

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.people.names import MOST_CHARACTERS, NotAName, name_of, skeleton


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Ada", "Ada"),
        ("Ada Lovelace", "Ada Lovelace"),
        ("Zoë", "Zoë"),
        ("Zoe\u0308", "Zoë"),  # one name, however a keyboard composes its letters
        ("Ａｄａ", "Ada"),  # the wide letters of East Asian keyboards
        ("Ngô Thị", "Ngô Thị"),
        ("शिवांगी", "शिवांगी"),
        ("นักเรียน", "นักเรียน"),
        ("山田", "山田"),
        ("x" * MOST_CHARACTERS, "x" * MOST_CHARACTERS),
        ("7", "7"),
        ("🐢", "🐢"),
    ],
)
def test_name_is_taken_in_one_form(typed: str, name: str) -> None:
    assert name_of(typed) == name


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("x" * (MOST_CHARACTERS + 1), "25 characters"),
        ("\ufdfa" * 24, "characters"),  # each character is a sentence of 18 letters
        ("x" * 100_000, "100000 characters"),
        (" Ada", "spaces"),
        ("Ada ", "spaces"),
        ("Ada  L", "spaces"),
        ("Ada\nL", "nobody sees"),
        ("Ada\0", "nobody sees"),
        ("Ada\u202etxt", "nobody sees"),  # reverses the text after it
        ("Ad\u200ba", "nobody sees"),
        ("Ada\ud800", "nobody sees"),
        ("\u3164", "nobody sees"),
        ("Ada\u2800", "nobody sees"),
        ("A" + "\u0301" * 12, "marks"),
        ("\u0301\u0301\u0301a", "marks"),
        ("---", "neither a letter nor a digit"),
        ("Ada\u1680L", "unusual width"),
    ],
)
def test_what_can_be_no_name_is_refused_with_the_reason(typed: str, why: str) -> None:
    with pytest.raises(NotAName, match=why):
        name_of(typed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "ada"),
        ("Ada", "Аdа"),  # Cyrillic
        ("Ada", "Αdα"),  # Greek
        ("Ada", "Àdá"),
        ("Ada L", "AdaL"),
        ("Ada-L", "Ada_L"),
        ("Bob", "B0b"),
        ("Bob", "Вob"),
        ("Nina", "Νina"),  # a Greek capital
        ("Bill", "Bi1l"),
        ("Bill", "BIIl"),
        ("Mama", "Marna"),
        ("Wim", "VVim"),
        ("HEIDI", "НЕІDІ"),
        ("Straße", "Strasse"),
    ],
)
def test_names_that_look_alike_have_one_skeleton(one: str, other: str) -> None:
    assert skeleton(name_of(one)) == skeleton(name_of(other))


@pytest.mark.parametrize(
    ("one", "other"), [("Ada", "Eva"), ("Clara", "Dara"), ("Max2", "Max3"), ("कि", "कु"), ("Tom", "Tim"), ("-1", "-2")]
)
def test_names_that_differ_stay_two(one: str, other: str) -> None:
    assert skeleton(name_of(one)) != skeleton(name_of(other))


@given(st.text(max_size=40))
def test_whatever_is_typed_is_a_name_in_one_form_or_refused(typed: str) -> None:
    try:
        name = name_of(typed)
    except NotAName:
        return
    assert name_of(name) == name
    assert 1 <= len(name) <= MOST_CHARACTERS
    assert unicodedata.is_normalized("NFKC", name)
    assert name.isprintable()
    assert skeleton(name)


@given(st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x21), min_size=1, max_size=24))
def test_case_alone_makes_no_other_name(name: str) -> None:
    assert skeleton(name) == skeleton(name.swapcase())
