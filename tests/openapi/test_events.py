"""The streams' events and the members of JSON are those of docs/openapi.yaml, and no others."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.openapi.description import load, resolve, schema
from tests.support.serving import LANES, serving
from tests.support.stream_client import EventParser

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.stream_client import Event

DOCUMENT: Final = load()
SCHEMAS: Final = DOCUMENT["components"]["schemas"]
DATA: Final = {"message": "EditsEvent", "status": "StatusEvent", "reload": "ReloadEvent"}
FRAME: Final = rb"id: \d{1,19}\ndata: (?:[A-Za-z0-9+/=]*|\{.*\})\n\n"
STATUS: Final = rb"event: status\ndata: \{.*\}\n\n"
RELOAD: Final = rb"event: reload\ndata: \{.*\}\n\n"
GRAMMAR: Final = re.compile(rb"retry: \d+\n(?:%b(?:%b|%b)*(?:%b)?|%b)" % (STATUS, FRAME, STATUS, RELOAD, RELOAD))


def assert_is(name: str, value: Any) -> None:
    """Check that `value` fits its schema, and has only members that the schema names."""
    schema(DOCUMENT, {"$ref": f"#/components/schemas/{name}"}).validate(value)
    assert set(value) <= set(SCHEMAS[name]["properties"]), value


def assert_is_event(event: Event, *, as_json: bool) -> None:
    """Check that an event fits the schemas."""
    told = {"event": event.kind, "data": event.data} | ({"id": event.id} if event.id is not None else {})
    assert_is("Event", told)
    if as_json or event.kind != "message":
        assert_is(DATA[event.kind], json.loads(event.data))


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("form", ["codes", "json"])
async def test_events_are_as_the_file_says(lane: str, form: str, tmp_path: Path) -> None:
    async with serving(lane, tmp_path) as server:
        for x in range(3):
            await server.place(x, 2, 5)
        async with server.follow(f"v=0&format={form}") as stream:
            assert_is("StatusEvent", await stream.status())
            version = 0
            while version < 5:
                event = await stream.event()
                assert_is_event(event, as_json=form == "json")
                version = int(event.id or version)
                if version == 4:
                    await server.place(9, 9, 9)
        assert GRAMMAR.fullmatch(stream.text)


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("query", ["v=99", "v=1&log=another"])
async def test_reload_is_as_the_file_says(lane: str, query: str, tmp_path: Path) -> None:
    async with serving(lane, tmp_path) as server, server.follow(query) as stream:
        kinds = []
        while (event := await stream.next()) is not None:
            kinds.append(event.kind)
            assert_is_event(event, as_json=True)
        assert kinds[-1] == "reload"
        assert GRAMMAR.fullmatch(stream.text)


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("query", ["v=0&format=json", "v=4", "v=99"])
async def test_polls_are_as_the_file_says(lane: str, query: str, tmp_path: Path) -> None:
    async with serving(lane, tmp_path) as server:
        for x in range(3):
            await server.place(x, 2, 5)
        answer = await server.get(f"/edits?{query}&wait=0")
    assert GRAMMAR.fullmatch(answer.body)
    for event in EventParser().feed(answer.body):
        assert_is_event(event, as_json="json" in query)


@pytest.mark.parametrize("lane", LANES)
async def test_answers_have_every_member_that_the_file_names_and_no_other(lane: str, tmp_path: Path) -> None:
    async with serving(lane, tmp_path) as server:
        for name, told in {
            "Info": await server.info(),
            "Ready": (await server.get("/readyz")).json(),
            "Placed": (await server.place(1, 2, 3)).json(),
        }.items():
            assert_is(name, told)
            assert _members(SCHEMAS[name]) == _keys(told)


def _members(part: dict[str, Any]) -> Any:
    """The names of an object's members, and recursively those of their values."""
    part = resolve(DOCUMENT, part)
    return {name: _members(member) for name, member in part["properties"].items()} if "properties" in part else None


def _keys(value: Any) -> Any:
    return {name: _keys(member) for name, member in value.items()} if isinstance(value, dict) else None
