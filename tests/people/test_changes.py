"""The effect of each change on the people, and the changes that are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from placed.canvas.author import author_of_person
from placed.people import changes
from placed.people.changes import (
    AddCodes,
    AddHostLink,
    AddToken,
    Forget,
    Name,
    Refused,
    RevokeCode,
    RevokeToken,
    Seen,
    SetName,
    SetRoles,
    SignIn,
    SignOutEverywhere,
    UseCode,
    UseHostLink,
)
from placed.people.person import HOST_LINK_MS
from tests.people.conftest import ADA, BOB, CODE, KEY, NOW_MS, OTHER

if TYPE_CHECKING:
    from placed.people.changes import Change
    from placed.people.store import PeopleStore


async def _refused(store: PeopleStore, change: Change) -> str:
    before = store.head
    with pytest.raises(Refused) as refused:
        await store.change(change)
    assert store.head == before
    return refused.value.reason


async def test_who_signs_in_is_known_by_author_name_and_id(store: PeopleStore) -> None:
    await store.change(SignIn("join:1", NOW_MS, Name("Ada", "ada")))
    person = store.person(ADA)
    assert person is not None
    assert (person.id, person.name, person.roles) == ("join:1", "Ada", frozenset({"person"}))
    assert (person.created_ms, person.seen_ms) == (NOW_MS, NOW_MS)
    assert store.named("ada") == ADA
    assert store.person(BOB) is None


async def test_signing_in_again_keeps_the_name_and_notes_the_time(store: PeopleStore) -> None:
    await store.change(SignIn("join:1", NOW_MS, Name("Ada", "ada")))
    await store.change(SignIn("join:1", NOW_MS + 5, Name("Eve", "eve")))
    person = store.person(ADA)
    assert person is not None
    assert (person.name, person.created_ms, person.seen_ms) == ("Ada", NOW_MS, NOW_MS + 5)
    assert store.head.people == 1


async def test_taken_name_is_refused_or_left_out_as_asked(store: PeopleStore) -> None:
    await store.change(SignIn("join:1", NOW_MS, Name("Ada", "ada")))
    assert await _refused(store, SignIn("join:2", NOW_MS, Name("ADA", "ada"))) == "name-taken"
    await store.change(SignIn("join:2", NOW_MS, Name("ADA", "ada"), needs_name=False))
    person = store.person(BOB)
    assert person is not None
    assert person.name is None
    assert await _refused(store, SetName(BOB, Name("ADA", "ada"))) == "name-taken"


async def test_name_that_was_given_up_is_free(store: PeopleStore) -> None:
    await store.change(SignIn("join:1", NOW_MS, Name("Ada", "ada")))
    await store.change(SignIn("join:2", NOW_MS, Name("Bob", "bob")))
    await store.change(SetName(ADA, Name("Ada Lovelace", "adalovelace")))
    await store.change(SetName(BOB, Name("Ada", "ada")))
    assert store.named("ada") == BOB
    assert store.named("bob") is None
    await store.change(SetName(BOB, Name("ADA", "ada")))  # another spelling of the same person's name
    assert store.named("ada") == BOB


async def test_code_makes_its_person_once_and_a_second_use_ends_the_sessions_before(store: PeopleStore) -> None:
    await store.change(AddCodes({"7kq2-001": CODE, "7kq2-002": OTHER}, NOW_MS))
    await store.change(UseCode(CODE, NOW_MS + 1))
    code = store.code(CODE)
    assert code is not None
    assert (code.id, code.used_ms, code.uses) == ("7kq2-001", NOW_MS + 1, 1)
    assert code.author not in store.revoked
    await store.change(UseCode(CODE, NOW_MS + 2))
    code = store.code(CODE)
    assert code is not None
    assert (code.used_ms, code.last_ms, code.uses) == (NOW_MS + 1, NOW_MS + 2, 2)
    assert store.revoked.get(code.author, 0) == NOW_MS + 2
    assert store.head.people == 1
    assert [each.id for each in store.codes()] == ["7kq2-001", "7kq2-002"]
    assert await _refused(store, UseCode(b"x" * 16, NOW_MS)) == "wrong-code"


async def test_revoked_code_lets_nobody_in_and_ends_its_sessions(store: PeopleStore) -> None:
    await store.change(AddCodes({"7kq2-001": CODE}, NOW_MS))
    await store.change(UseCode(CODE, NOW_MS))
    await store.change(RevokeCode("7kq2-001", NOW_MS + 9))
    code = store.code_numbered("7kq2-001")
    assert code is not None
    assert code.revoked_ms == store.revoked[code.author] == NOW_MS + 9
    assert await _refused(store, UseCode(CODE, NOW_MS + 10)) == "code-revoked"
    assert await _refused(store, RevokeCode("7kq2-009", NOW_MS)) == "wrong-code"


async def test_host_link_makes_one_host_within_a_day(store: PeopleStore) -> None:
    await store.change(AddHostLink(CODE, NOW_MS))
    await store.change(UseHostLink(CODE, "host:1", NOW_MS + 1))
    assert store.roles == {author_of_person("host:1", KEY): frozenset({"person", "host"})}
    assert await _refused(store, UseHostLink(CODE, "host:2", NOW_MS + 2)) == "wrong-code"
    await store.change(AddHostLink(OTHER, NOW_MS))
    assert await _refused(store, UseHostLink(OTHER, "host:2", NOW_MS + HOST_LINK_MS + 1)) == "wrong-code"
    assert store.head.host_links == 1  # making another link has removed the used one


async def test_token_is_a_person_with_a_name_and_gone_once_it_is_revoked(store: PeopleStore) -> None:
    await store.change(AddToken(CODE, "tk1", Name("Bot", "bot"), frozenset({"bot"}), NOW_MS))
    token = store.tokens[CODE]
    assert (token.id, token.name, token.roles, token.seen_ms) == ("tk1", "Bot", frozenset({"bot"}), None)
    assert token.author == author_of_person("token:tk1", KEY)
    assert store.roles[token.author] == frozenset({"bot"})
    assert store.named("bot") == token.author
    await store.change(Seen(tokens={CODE: NOW_MS + 7}))
    assert store.tokens[CODE].seen_ms == NOW_MS + 7
    assert await _refused(store, SetRoles(token.author, frozenset({"host"}))) == "is-token"
    assert await _refused(store, AddToken(OTHER, "tk2", Name("BOT", "bot"), frozenset({"bot"}), NOW_MS)) == "name-taken"
    await store.change(RevokeToken("tk1"))
    assert not store.tokens
    assert not store.roles
    assert store.named("bot") is None
    assert await _refused(store, RevokeToken("tk1")) == "unknown-token"


async def test_roles_are_in_memory_while_they_are_more_than_a_person_s(store: PeopleStore) -> None:
    await store.change(SignIn("join:1", NOW_MS))
    await store.change(SetRoles(ADA, frozenset({"person", "moderator"})))
    assert store.roles == {ADA: frozenset({"person", "moderator"})}
    assert store.head.roles == 1
    await store.change(SetRoles(ADA, frozenset({"person"})))
    assert store.roles == {}
    assert store.head.roles == 0
    assert await _refused(store, SetRoles(BOB, frozenset({"host"}))) == "unknown-person"


async def test_signing_out_everywhere_ends_the_sessions_before(store: PeopleStore) -> None:
    await store.change(SignIn("join:1", NOW_MS))
    await store.change(SignOutEverywhere(ADA, NOW_MS + 3))
    assert store.revoked.get(ADA, 0) == NOW_MS + 3
    assert store.revoked.get(BOB, 0) == 0
    assert await _refused(store, SignOutEverywhere(BOB, NOW_MS)) == "unknown-person"


@pytest.mark.parametrize("person_id", ["join:1", "code:7kq2-001", "token:tk1"])
async def test_who_is_forgotten_leaves_nothing_but_that_their_sessions_ended(
    store: PeopleStore, person_id: str
) -> None:
    author = author_of_person(person_id, KEY)
    await store.change(AddCodes({"7kq2-001": CODE}, NOW_MS))
    await store.change(UseCode(CODE, NOW_MS))
    await store.change(AddToken(OTHER, "tk1", Name("Bot", "bot"), frozenset({"bot"}), NOW_MS))
    await store.change(SignIn("join:1", NOW_MS, Name("Ada", "ada")))
    await store.change(Forget(author, NOW_MS + 1))
    assert store.person(author) is None
    assert author not in {person.author for person in store.people()}
    assert store.revoked.get(author, 0) == NOW_MS + 1
    assert await _refused(store, Forget(author, NOW_MS)) == "unknown-person"
    head = store.head
    gone = (person_id == "code:7kq2-001", person_id == "token:tk1")
    assert (head.people, head.codes, head.tokens) == (2, 1 - gone[0], 1 - gone[1])
    assert (store.code(CODE) is None, OTHER not in store.tokens) == gone


async def test_what_is_full_is_refused_with_a_sentence(store: PeopleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_PEOPLE", "MOST_CODES", "MOST_TOKENS", "MOST_HOST_LINKS", "MOST_ROLES"):
        monkeypatch.setattr(changes, name, 0)
    for change in (
        SignIn("join:1", NOW_MS),
        AddCodes({"7kq2-001": CODE}, NOW_MS),
        AddToken(CODE, "tk1", Name("Bot", "bot"), frozenset({"bot"}), NOW_MS),
        AddHostLink(CODE, NOW_MS),
    ):
        assert await _refused(store, change) == "full"


async def test_people_are_listed_in_pages_by_author(store: PeopleStore) -> None:
    for number in range(7):
        await store.change(SignIn(f"join:{number}", NOW_MS))
    found = store.people(limit=3)
    while page := store.people(after=found[-1].author, limit=3):
        found += page
    assert [each.author for each in found] == sorted(author_of_person(f"join:{number}", KEY) for number in range(7))
