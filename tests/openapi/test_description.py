"""docs/openapi.yaml is valid OpenAPI; the file, docs/api.md and the code name the same paths, parameters and codes."""

from __future__ import annotations

import ast
import functools
import re
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast

import jsonschema_rs
import pytest
from openapi_spec_validator import validate

from placed import __version__
from placed.canvas.limits import MAX_COLORS, MAX_SIDE_PX
from placed.commands.settings.kinds import MAX_SECONDS
from placed.commands.settings.people import MAX_CHARGES
from placed.http.answer import ALIVE
from placed.http.body import BODY_BYTES, EDITS_BODY_BYTES
from placed.http.edit_list import MOST_EDITS
from placed.http.host_page.page import HostPage
from placed.http.lanes import app
from placed.http.lanes.connection import HEAD_BYTES, MAX_FIELDS, Limits
from placed.http.pages import client_folder, pages_in
from placed.http.parameters import MAX_VERSION, QUERY_BYTES
from placed.http.people_desk import PeopleDesk
from placed.http.report_desk import ReportDesk
from tests.openapi.description import load, resolve, schema
from tests.support.stream_client import EventParser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placed.canvas.projection import Projection
    from placed.http.acts import Acts
    from placed.http.api import Api
    from placed.http.askers import Askers
    from placed.http.sign_in import SignIns
    from placed.people.hosting import Hosting
    from placed.people.reports import Reports

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = load()
PAGE: Final = (ROOT / "docs/api.md").read_text("utf-8")
OPERATIONS: Final = [
    (path, method, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if method != "parameters"
]


@functools.cache
def sources() -> list[ast.Module]:
    """The parsed modules that answer requests."""
    return [ast.parse(path.read_text("utf-8")) for path in sorted((ROOT / "placed/http").rglob("*.py"))]


def test_file_is_openapi() -> None:
    validate(DOCUMENT)


def test_file_names_nothing_that_a_server_does_not_have() -> None:
    text = (ROOT / "docs/openapi.yaml").read_text("utf-8")
    assert re.findall(r"docs/\S*|\S+\.md\b|\]\(\S*|https?://\S*", text) == []


def test_version_is_the_servers() -> None:
    assert DOCUMENT["info"]["version"] == __version__


def test_paths_and_methods_are_those_that_are_routed() -> None:
    askers = SimpleNamespace(challenge=None)
    plain = {"healthz": lambda: ALIVE, "readyz": lambda: ALIVE, "prometheus": lambda: ALIVE}
    api = cast("Api", SimpleNamespace(**plain, askers=askers))
    sign_ins = cast("SignIns", SimpleNamespace(askers=askers, sign_in=None, sign_out=None, name=None))
    desk = PeopleDesk(cast("Askers", askers), cast("Hosting", None))
    acts = cast("Acts", SimpleNamespace())
    reports = ReportDesk(cast("Askers", askers), cast("Projection", None), cast("Reports", None))
    page = HostPage(pages_in(client_folder()))
    routes = app.create_app(api, page, sign_ins=sign_ins, desk=desk, acts=acts, reports=reports).url_map.iter_rules()
    routed: dict[str, set[str]] = {}
    for rule in routes:
        routed.setdefault(re.sub(r"<(?:path:)?(\w+)>", r"{\1}", rule.rule), set()).update(rule.methods or ())
    named = {path: {method.upper() for method in methods} for path, methods in DOCUMENT["paths"].items()}
    assert {path: methods | {"OPTIONS"} for path, methods in routed.items()} == {
        path: methods | ({"HEAD"} if "GET" in methods else set()) for path, methods in named.items()
    }


def test_prose_names_every_path_and_parameter() -> None:
    for path, _, operation in OPERATIONS:
        assert path in ("/", "/static/{path}") or f"`GET {path}" in PAGE or f"`POST {path}" in PAGE, path
        for parameter in operation.get("parameters", ()):
            name = resolve(DOCUMENT, parameter)["name"]
            assert name in ("path", "name", "If-None-Match", "If-Modified-Since", "Origin", "Sec-Fetch-Site") or (
                re.search(rf"`{name}\b", PAGE)
            ), name


Pair = tuple[int, str]


def codes_of_the_source() -> set[Pair]:
    """Every status and code that the source makes a Problem with."""
    calls = [node for tree in sources() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    many = {_constant(call.args[0]) for call in calls if _name(call) == "too_many"}
    pairs = set(app._CODES.items())
    for call in (call for call in calls if _name(call) == "Problem"):
        status, code = call.args[:2]
        if isinstance(code, ast.JoinedStr):
            (text, _) = code.values
            pairs |= {(_constant(status), _constant(text) + what) for what in many}
        elif isinstance(code, ast.Constant):
            pairs.add((_constant(status), _constant(code)))
        else:  # looked up in the table
            assert "_CODES" in ast.unparse(code), ast.unparse(call)
    return pairs


def test_members_of_problems_are_those_of_the_schema() -> None:
    trees = [*sources(), ast.parse((ROOT / "placed/service/start.py").read_text("utf-8"))]
    calls = [
        node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node) == "Problem"
    ]
    given = {keyword.arg for call in calls for keyword in call.keywords if keyword.arg is not None}
    assert given >= {"parameter", "read", "of"}
    assert given <= set(DOCUMENT["components"]["schemas"]["Problem"]["properties"])


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _constant(node: ast.expr) -> Any:
    assert isinstance(node, ast.Constant), ast.unparse(node)
    return node.value


def problems(document: Any) -> Iterator[Pair]:
    """Every status and code of a document's problems, anywhere in it."""
    if isinstance(document, dict):
        narrowed = document.get("properties", {})
        if document.get("$ref") == "#/components/schemas/Problem":
            code = narrowed["code"]
            yield from product([narrowed["status"]["const"]], code.get("enum") or [code["const"]])
        for value in document.values():
            yield from problems(value)


def test_file_has_the_problems_of_the_source() -> None:
    assert set(problems(DOCUMENT)) == codes_of_the_source()


def test_list_of_all_codes_is_whole() -> None:
    assert DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == sorted(
        {code for _, code in codes_of_the_source()}
    )


def test_prose_has_the_problems_of_the_source() -> None:
    table = PAGE.partition("| status | `code` |")[2].partition("\n\n")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines()[2:]]
    pairs = {pair for statuses, codes in rows for pair in _row(statuses.split(", "), re.findall(r"`([a-z-]+)`", codes))}
    assert pairs == codes_of_the_source()


def _row(statuses: list[str], codes: list[str]) -> set[Pair]:
    """Pair statuses with codes: several with as many codes one by one, one status with all codes."""
    if len(statuses) == len(codes):
        return {(int(status), code) for status, code in zip(statuses, codes, strict=True)}
    assert len(statuses) == 1 or len(codes) == 1
    return {(int(status), code) for status, code in product(statuses, codes)}


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=lambda part: str(part)[:20])
def test_each_status_of_a_problem_is_the_one_that_it_is_listed_under(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    assert operation["responses"], (path, method)
    for status, response in operation["responses"].items():
        found = {named for named, _ in problems(resolve(DOCUMENT, response))}
        assert found == ({int(status)} if int(status) >= 400 else set()), (path, method, status)


def examples() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Each example of a body, with its schema."""

    def walk(where: str, part: Any) -> Iterator[tuple[str, Any, dict[str, Any]]]:
        if isinstance(part, dict):
            if "schema" in part and "examples" in part:
                for name, example in part["examples"].items():
                    yield f"{where}: {name}", example["value"], part["schema"]
            for key, value in part.items():
                yield from walk(key, value)

    yield from walk("", DOCUMENT)


EXAMPLES: Final = list(examples())


@pytest.mark.parametrize(
    ("value", "wanted"), [example[1:] for example in EXAMPLES], ids=[example[0] for example in EXAMPLES]
)
def test_example_is_as_its_schema_says(value: Any, wanted: dict[str, Any]) -> None:
    if isinstance(value, str):  # a stream
        parser = EventParser()
        events = parser.feed(value.encode())
        assert events or parser.statuses
        for status in parser.statuses:
            schema(DOCUMENT, {"$ref": "#/components/schemas/StatusEvent"}).validate(status)
        value = [{"event": event.kind, "data": event.data} | ({"id": event.id} if event.id else {}) for event in events]
        wanted = {"type": "array", "items": wanted}
    schema(DOCUMENT, wanted).validate(value)


def test_an_example_that_breaks_its_schema_would_be_found() -> None:
    with pytest.raises(jsonschema_rs.ValidationError):
        schema(DOCUMENT, {"$ref": "#/components/schemas/Edit"}).validate({"x": 4096, "y": 0, "color": 0})


def test_bounds_are_those_of_the_code() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["X"]["maximum"] == schemas["Y"]["maximum"] == MAX_SIDE_PX - 1
    assert schemas["Color"]["maximum"] == MAX_COLORS - 1
    assert schemas["Version"]["maximum"] == MAX_VERSION
    assert schemas["Info"]["properties"]["width"]["maximum"] == MAX_SIDE_PX
    assert schemas["Info"]["properties"]["palette"]["maxItems"] == MAX_COLORS
    assert schemas["Edits"]["properties"]["edits"]["maxItems"] == MOST_EDITS
    assert schemas["Info"]["properties"]["limits"]["properties"]["edits"]["maximum"] == MOST_EDITS
    cooldown = schemas["Cooldown"]["properties"]
    assert cooldown["charges"]["maximum"] == MAX_CHARGES
    assert cooldown["charge_seconds"]["maximum"] == MAX_SECONDS


@pytest.mark.parametrize("page", ["docs/api.md", "docs/openapi.yaml"])
def test_limits_are_those_of_the_code(page: str) -> None:
    text = " ".join((ROOT / page).read_text("utf-8").split())
    for count in (BODY_BYTES, EDITS_BODY_BYTES, QUERY_BYTES, HEAD_BYTES):
        assert f"{count:,}" in text
    assert f"{MAX_FIELDS} fields" in text
    assert f"longer than {Limits().head_seconds:g} seconds" in text
