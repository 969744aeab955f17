"""Imports point one way, down the table of rooms, from the wiring of the service to the pure canvas.

`ROOMS` is the whole rule: a row for each folder of placed/. A new file in a room needs nothing here.
"""

from __future__ import annotations

import ast
import functools
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

import placed

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(placed.__file__).parent

# A pure module may not even use the standard library's ways to the outside. `os` is allowed, for paths; Ruff's PTH
# checks the rest of it.
IMPURE_STDLIB = {
    *("asyncio", "concurrent", "multiprocessing", "subprocess", "threading"),
    *("http.client", "http.server", "socket", "socketserver", "ssl", "urllib.request"),
    *("fcntl", "mmap", "select", "selectors", "signal"),
}
PURE_PACKAGES = {"attrs", "idna", "isal", "markdown_it", "numpy"}


@attrs.frozen
class Room:
    """What the modules of a room may import, apart from each other and the version of `placed`.

    Attributes:
        below: other rooms.
        packages: third-party packages.
    """

    below: frozenset[str]
    packages: frozenset[str]


def _room(below: str = "", packages: str = "") -> Room:
    return Room(frozenset(below.split()), frozenset(packages.split()))


# From top to bottom; `__main__` stands for the files outside all rooms.
ROOMS = {
    "__main__": _room("service commands process telemetry"),
    "service": _room(
        "commands process http people moderation history stream tasks backends storage telemetry canvas",
        packages="attrs rich trio",
    ),
    "commands": _room(
        "process http people history tasks backends storage telemetry canvas",
        packages="PIL attrs av click httpx idna isal lmdb numpy platformdirs pyarrow rich segno trio",
    ),
    "process": _room("telemetry", packages="trio"),
    "http": _room(
        "people moderation history stream tasks backends storage telemetry canvas",
        packages="altcha attrs authlib h11 h2 httptools httpx hypercorn joserfc markdown_it numpy quart quart_trio "
        "segno trio werkzeug",
    ),
    "people": _room("backends storage telemetry canvas", packages="attrs itsdangerous lmdb trio"),
    "moderation": _room("history tasks backends storage telemetry canvas", packages="attrs numpy trio"),
    "history": _room("backends telemetry canvas", packages="attrs isal numpy trio"),
    "stream": _room("telemetry canvas", packages="numpy trio"),
    "tasks": _room("backends storage telemetry canvas", packages="attrs numpy trio"),
    "backends": _room("storage canvas", packages="attrs crc32c kafka lmdb numpy trio"),
    "storage": _room("telemetry canvas", packages="PIL attrs lmdb numpy trio"),
    "telemetry": _room(packages="attrs prometheus_client rich structlog trio"),
    "canvas": _room(packages="attrs isal numpy"),
}

_PURE = re.compile(r"\bPure[.:]")
FILES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").rstrip(".") or "placed": path
    for path in sorted(PACKAGE.rglob("*.py"))
}


@functools.cache
def _tree(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text(encoding="utf-8"), FILES[module])


def _trees() -> Iterator[tuple[str, ast.Module]]:
    return ((module, _tree(module)) for module in FILES)


def _room_of(module: str) -> str:
    path = FILES[module].relative_to(PACKAGE)
    return path.parts[0] if len(path.parts) > 1 else "__main__"


def _is_pure(module: str) -> bool:
    """Whether a module is pure: all of canvas/ is, and other modules whose docstring says so."""
    if _room_of(module) == "canvas":
        return True
    # Don't parse files without the word, because each process of the tests asks for all modules when it collects tests.
    has_word = _PURE.search(FILES[module].read_text(encoding="utf-8")) is not None
    return has_word and _PURE.search(ast.get_docstring(_tree(module)) or "") is not None


def _imported(tree: ast.Module) -> set[str]:
    """The dotted names that a module imports anywhere, also for types alone and by `import_module`.

    `from a import b` gives `a.b`.
    """
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.import_module":
            names.update(arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str))
    return names


def _own_module(name: str) -> str:
    """The module of ours in the dotted name `placed.…`, whose last part may be a name inside the module."""
    inside = name.removeprefix("placed").removeprefix(".")
    while inside and inside not in FILES:
        inside = inside.rpartition(".")[0]
    return inside or "placed"


def _broken_rules(module: str, tree: ast.Module) -> list[str]:
    name_of_room = _room_of(module)
    room = ROOMS[name_of_room]
    broken = []
    for name in sorted(_imported(tree)):
        top = name.partition(".")[0]
        if top == "placed":
            target = _own_module(name)
            if target != "placed" and _room_of(target) not in room.below | {name_of_room}:
                broken.append(f"{name_of_room} may not import placed.{target}")
        elif top not in sys.stdlib_module_names and top not in room.packages:
            broken.append(f"{name_of_room} may not import {name}")
    return broken


def test_every_room_has_a_row_and_says_what_lives_there() -> None:
    rooms = [folder for folder in PACKAGE.iterdir() if any(folder.glob("*.py"))]
    assert {room.name for room in rooms} | {"__main__"} == set(ROOMS)
    told = {room.name: ast.get_docstring(_tree(room.name)) or "" for room in rooms}
    assert [name for name, text in told.items() if len(text.split()) < 20] == []


def test_imports_of_rooms_point_down() -> None:
    order = list(ROOMS)
    assert [name for i, name in enumerate(order) if not ROOMS[name].below <= set(order[i + 1 :])] == []


@pytest.mark.parametrize("module", FILES)
def test_module_imports_only_what_its_room_may(module: str) -> None:
    assert _broken_rules(module, _tree(module)) == []


@pytest.mark.parametrize("name", ROOMS)
def test_row_allows_only_what_its_room_needs(name: str) -> None:
    needed = {imported for module in FILES if _room_of(module) == name for imported in _imported(_tree(module))}
    rooms = {_room_of(_own_module(each)) for each in needed if each.startswith("placed.")}
    packages = {each.partition(".")[0] for each in needed}
    assert sorted(ROOMS[name].below - rooms) + sorted(ROOMS[name].packages - packages) == []


def test_rule_sees_imports_inside_functions_and_by_name_and_for_types_alone() -> None:
    lines = [
        *("if TYPE_CHECKING:", "    import trio", "def f():", "    import placed.http"),
        *("importlib.import_module('lmdb')", "from placed import service"),
    ]
    broken = _broken_rules("canvas.cooldown", ast.parse("\n".join(lines)))
    assert [line.rpartition("import ")[2] for line in broken] == ["lmdb", "placed.http", "placed.service", "trio"]


@pytest.mark.parametrize("module", [module for module in FILES if _is_pure(module)])
def test_pure_module_imports_no_way_to_the_outside(module: str) -> None:
    names = _imported(_tree(module))
    packages = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"placed"}
    assert packages <= PURE_PACKAGES
    assert IMPURE_STDLIB.isdisjoint({part for name in names for part in (name, name.rpartition(".")[0])})


def test_only_one_module_names_concrete_backends() -> None:
    concrete = {
        f"placed.{module}"
        for module, tree in _trees()
        if _room_of(module) == "backends"
        and any(re.match(r"open_(\w+_log|keyed_topic)$", name) for name in _functions(tree))
    }
    assert concrete == {
        "placed.backends.kafka.keyed",
        "placed.backends.kafka.log",
        "placed.backends.lmdb.log",
        "placed.backends.memory",
    }
    naming = {
        module
        for module, tree in _trees()
        if any(name == backend or name.startswith(f"{backend}.") for name in _imported(tree) for backend in concrete)
    }
    assert {module for module in naming if f"placed.{module}" not in concrete} == {"backends.opening"}


def _functions(tree: ast.Module) -> list[str]:
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("module", FILES)
def test_importing_a_module_only_defines_names_and_keeps_no_state(module: str) -> None:
    allowed = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If)
    wrong = []
    for node in _tree(module).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            wrong += [f"line {node.lineno}: {name}" for name in names if not _is_constant_or_function(module, name)]
        elif not isinstance(node, allowed) and not _is_docstring(node):
            wrong.append(f"line {node.lineno}: {ast.unparse(node)[:60]}")
    wrong += [f"line {node.lineno}: global" for node in ast.walk(_tree(module)) if isinstance(node, ast.Global)]
    assert wrong == []


def _is_constant_or_function(module: str, name: str) -> bool:
    """Whether it is a constant, a type or a name that Python defines; or a private function that an expression made."""
    if re.fullmatch(r"_?[A-Z]\w*|__\w+__", name):
        return True
    return name.startswith("_") and callable(getattr(importlib.import_module(_full_name(module)), name))


def _full_name(module: str) -> str:
    return "placed" if module == "placed" else f"placed.{module}"


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def test_importing_the_pure_modules_loads_no_io_library() -> None:
    modules = sorted(_full_name(module) for module in FILES if _is_pure(module))
    assert len(modules) > 30
    script = f"import json, sys, {', '.join(modules)}; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True, cwd=PACKAGE.parent
    )
    loaded = {name.partition(".")[0] for name in json.loads(result.stdout)}
    assert not loaded & {"PIL", "asyncio", "click", "httpx", "hypercorn", "lmdb", "quart", "rich", "trio"}


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        ("placed.commands.cli", "PIL httpx idna lmdb numpy platformdirs rich structlog trio"),
        ("placed.service.process", "PIL altcha authlib httpx kafka markdown_it pyarrow rich.progress segno"),
    ],
    ids=["command line", "server"],
)
def test_start_imports_nothing_that_only_some_starts_need(module: str, unneeded: str) -> None:
    script = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True, cwd=PACKAGE.parent
    )
    assert sorted(set(unneeded.split()).intersection(json.loads(result.stdout))) == []


def test_bench_knows_nothing_of_tests() -> None:
    """`bench.equipment` has the code that both need, because a bench also runs where no tests are installed."""
    naming = [
        f"{path.relative_to(PACKAGE.parent)}, line {node.lineno}"
        for path in sorted((PACKAGE.parent / "bench").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), path))
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "tests" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tests")
        or (isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"tests(\.|$)", node.value))
    ]
    assert naming == []
