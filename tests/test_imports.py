"""Imports point one way: commands, service, HTTP and tasks, storage, the log's contract, the pure core.

`LAYERS` is the whole rule. A new module has to be put into one of its rows, with the least that it needs.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

import placed

PACKAGE = Path(placed.__file__).parent

# In a pure module even the standard library's ways to the outside are out of bounds. `os` is not among them, for
# paths; Ruff's PTH sees to the rest.
IMPURE_STDLIB = {
    *("asyncio", "concurrent", "multiprocessing", "subprocess", "threading"),
    *("http.client", "http.server", "socket", "socketserver", "ssl", "urllib.request"),
    *("fcntl", "mmap", "select", "selectors", "signal"),
}


@attrs.frozen
class Layer:
    """Modules (without the leading `placed.`) and what they may import.

    Attributes:
        modules: this layer's own; they may import each other.
        below: the names of the other layers that they may import.
        packages: the third-party packages that they may import.
    """

    modules: frozenset[str]
    below: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()


def _layer(modules: str, below: str = "", packages: str = "") -> Layer:
    return Layer(frozenset(modules.split()), frozenset(below.split()), frozenset(packages.split()))


LAYERS = {
    "pure": _layer(
        "placed canvas canvas.events canvas.events.act canvas.events.canvas canvas.events.correction "
        "canvas.events.decoding canvas.events.edits canvas.events.event canvas.events.skipped "
        "author clock cooldown edit_code exit_codes feed palette png record shared_bytes snapshot "
        "http http.accepted http.answer http.asked_host http.authority http.body http.catch_up_limit http.chunked "
        "http.client_address http.client_limit http.edit_list http.framing http.hosts http.origin http.parameters "
        "http.sse "
        "paint paint.pace paint.plan paint.quantise setting_origin variables",
        packages="attrs isal numpy",
    ),
    "settings": _layer(
        "config_file palette_files setting_kinds settings", "pure logging", "attrs idna numpy platformdirs"
    ),
    "streams": _layer("standard_streams"),
    "logging": _layer("line_limit progress structured_logs", "pure streams", "attrs rich structlog"),
    "contract": _layer("backends backends.about backends.tail backends.stored", "pure pages", "attrs numpy trio"),
    "state": _layer("projection", "pure contract", "numpy"),
    "pages": _layer("lmdb_pages lmdb_check", "pure", "attrs numpy"),
    "storage": _layer(
        "author_key folder_lock in_place lmdb_environment lmdb_lock ownership", "pure pages", "lmdb trio"
    ),
    "backends": _layer("backends.lmdb backends.memory", "pure pages storage contract", "attrs lmdb trio"),
    "salvage": _layer("backends.lmdb_salvage", "pure pages storage contract", "attrs lmdb"),
    "kafka_place": _layer("backends.kafka_place", packages="attrs"),
    "kafka": _layer(
        "backends.kafka backends.kafka_client backends.kafka_codecs backends.kafka_reader backends.kafka_topic",
        "pure pages contract kafka_place",
        "attrs kafka numpy trio",
    ),
    "tls": _layer("tls"),
    "allocator": _layer("allocator"),
    "tasks": _layer(
        "broadcaster catch_ups folder_watch frames image left_out loop_lag metrics pace reader recovery "
        "snapshot_store snapshotter subscriber writer",
        "pure pages storage contract state logging",
        "attrs numpy prometheus_client trio",
    ),
    "http": _layer(
        "http.accepting http.api http.app http.connection http.descriptors http.fast_lane http.followers "
        "http.front http.guard http.hot_request http.http1 http.http2 http.keep_alive http.listening "
        "http.packs http.pages http.peer_end http.polls http.request_log http.writing",
        "pure contract state logging tasks",
        "attrs h11 h2 httptools hypercorn quart quart_trio trio werkzeug",
    ),
    "paint": _layer(
        "paint.api paint.command paint.painter paint.picture paint.png_picture paint.progress paint.served_image",
        "pure settings logging",
        "attrs click httpx numpy PIL rich trio",
    ),
    "opening": _layer("log_opening", "pure settings contract backends kafka kafka_place tasks"),
    "operations": _layer(
        "operations operations.backup operations.check operations.command operations.examination operations.look "
        "operations.part_folder operations.repair operations.report",
        "pure settings logging pages storage contract state salvage opening tasks",
        "attrs click lmdb numpy trio",
    ),
    "handover": _layer("handover inherited_sockets", packages="trio"),
    "service_manager": _layer("sd_notify", "logging", "trio"),
    "config_check": _layer(
        "config_check",
        "pure settings storage opening tasks http tls operations service",
        "attrs click trio",
    ),
    "service": _layer(
        "forgotten_canvas gauges service start",
        "pure settings logging pages storage contract state opening tasks http tls",
        "attrs rich trio",
    ),
    "process": _layer(
        "process",
        "pure settings logging storage contract tasks http tls allocator handover service service_manager",
        "rich trio",
    ),
    "commands": _layer(
        "__main__ cli cli_help",
        "pure settings streams logging operations paint process config_check",
        "attrs click platformdirs",
    ),
}

FILES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").rstrip(".") or "placed": path
    for path in sorted(PACKAGE.rglob("*.py"))
}
TREES = {module: ast.parse(path.read_text(encoding="utf-8"), path) for module, path in FILES.items()}
LAYER_OF = {module: name for name, layer in LAYERS.items() for module in layer.modules}


def _imported(tree: ast.Module) -> set[str]:
    """The dotted names that a module imports anywhere in it, for types alone too: `from a import b` gives `a.b`."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def _own_module(name: str) -> str:
    """The module of ours that the dotted name `placed.…` means; its last part may be something inside the module."""
    inside = name.removeprefix("placed").removeprefix(".")
    while inside and inside not in FILES:
        inside = inside.rpartition(".")[0]
    return inside or "placed"


def _broken_rules(module: str, tree: ast.Module) -> list[str]:
    layer_name = LAYER_OF[module]
    layer = LAYERS[layer_name]
    broken = []
    for name in sorted(_imported(tree)):
        top = name.partition(".")[0]
        if top == "placed":
            target = _own_module(name)
            if target not in layer.modules and LAYER_OF.get(target) not in layer.below:
                broken.append(f"{layer_name} may not import placed.{target}, which is in {LAYER_OF.get(target)}")
        elif top in sys.stdlib_module_names:
            if layer_name == "pure" and not IMPURE_STDLIB.isdisjoint({top, name, name.rpartition(".")[0]}):
                broken.append(f"{layer_name} may not import {name}")
        elif top not in layer.packages:
            broken.append(f"{layer_name} may not import {name}")
    return broken


def test_every_module_is_in_exactly_one_layer() -> None:
    listed = [module for layer in LAYERS.values() for module in layer.modules]
    assert sorted(listed) == sorted(FILES)


def test_layers_below_are_layers_and_form_no_circle() -> None:
    done: set[str] = set()
    while len(done) < len(LAYERS):
        ready = {name for name, layer in LAYERS.items() if name not in done and layer.below <= done}
        assert ready, f"a circle among {sorted(LAYERS.keys() - done)}"
        done |= ready


@pytest.mark.parametrize("module", FILES)
def test_module_imports_only_what_its_layer_may(module: str) -> None:
    assert _broken_rules(module, TREES[module]) == []


def test_rule_sees_imports_inside_functions_and_for_types_alone() -> None:
    source = "if TYPE_CHECKING:\n    import trio\ndef f():\n    from socket import socket\n    import placed.service\n"
    broken = _broken_rules("cooldown", ast.parse(source))
    assert [line.rpartition("import ")[2].split(",")[0] for line in broken] == [
        "placed.service",
        "socket.socket",
        "trio",
    ]


def test_only_one_module_names_concrete_backends() -> None:
    concrete = {f"placed.{module}" for module in LAYERS["backends"].modules}
    naming = {
        module
        for module, tree in TREES.items()
        if any(name == backend or name.startswith(f"{backend}.") for name in _imported(tree) for backend in concrete)
    }
    assert naming == {"log_opening"}


@pytest.mark.parametrize("module", FILES)
def test_importing_a_module_only_defines_names_and_keeps_no_state(module: str) -> None:
    allowed = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If)
    wrong = []
    for node in TREES[module].body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            wrong += [f"line {node.lineno}: {name}" for name in names if not _is_constant_or_function(module, name)]
        elif not isinstance(node, allowed) and not _is_docstring(node):
            wrong.append(f"line {node.lineno}: {ast.unparse(node)[:60]}")
    wrong += [f"line {node.lineno}: global" for node in ast.walk(TREES[module]) if isinstance(node, ast.Global)]
    assert wrong == []


def _is_constant_or_function(module: str, name: str) -> bool:
    """A constant, a type, a name that Python gives a meaning; or a private function that a call or attribute gave."""
    if re.fullmatch(r"_?[A-Z]\w*|__\w+__", name):
        return True
    return name.startswith("_") and callable(getattr(importlib.import_module(_full_name(module)), name))


def _full_name(module: str) -> str:
    return "placed" if module == "placed" else f"placed.{module}"


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def test_importing_the_pure_modules_loads_no_io_library() -> None:
    modules = sorted(map(_full_name, LAYERS["pure"].modules))
    script = f"import json, sys, {', '.join(modules)}; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True, cwd=PACKAGE.parent
    )
    loaded = {name.partition(".")[0] for name in json.loads(result.stdout)}
    assert not loaded & {"PIL", "asyncio", "click", "httpx", "hypercorn", "lmdb", "quart", "rich", "trio"}
