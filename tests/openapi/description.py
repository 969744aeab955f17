"""docs/openapi.yaml, with the rules that OpenAPI can't express.

An edit's numbers come by query *or* in a body, and a stream's version by `v`, `lastEventId` *or* in a header. The file
can only say that in prose: there all of them are optional. schemathesis has to know which requests are right. So it
gets two documents: each requires one way and leaves out the others.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import yaml

FILE: Final = Path(__file__).parents[2] / "docs/openapi.yaml"
Document = dict[str, Any]
_EDIT: Final = ("x", "y", "color")


def load() -> Document:
    """Load the file as it is."""
    return parsed(FILE.read_bytes())


def parsed(content: bytes) -> Document:
    """Parse the content of a file like it."""
    # With the parser in C, if there is one: each process of the tests reads the file when it collects tests.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: Document = yaml.load(content, loader)
    return document


def by_body(document: Document) -> Document:
    """The document for clients who send edits in a body, and a stream's version by query."""
    changed = copy.deepcopy(document)
    edit, edits = changed["paths"]["/edit"]["post"], changed["paths"]["/edits"]["get"]
    _leave_out(edit, *_EDIT)
    edit["requestBody"]["required"] = True
    _leave_out(edits, "Last-Event-ID", "lastEventId")
    _demand(edits, "v")
    return changed


def by_query(document: Document) -> Document:
    """The document for clients who send edits by query, and a stream's version as Last-Event-ID."""
    changed = copy.deepcopy(document)
    edit, edits = changed["paths"]["/edit"]["post"], changed["paths"]["/edits"]["get"]
    del edit["requestBody"]
    _demand(edit, *_EDIT)
    _leave_out(edits, "v", "lastEventId")
    _demand(edits, "Last-Event-ID")
    return changed


def _leave_out(operation: Document, *names: str) -> None:
    kept = [parameter for parameter in operation["parameters"] if parameter.get("name") not in names]
    assert len(kept) == len(operation["parameters"]) - len(names)
    operation["parameters"] = kept


def _demand(operation: Document, *names: str) -> None:
    found = [parameter for parameter in operation["parameters"] if parameter.get("name") in names]
    assert len(found) == len(names)
    for parameter in found:
        parameter["required"] = True


def resolve(document: Document, part: Document) -> Document:
    """The target of a reference in `part`, or `part` itself."""
    reference = part.get("$ref")
    if reference is None:
        return part
    found = document
    for key in reference.removeprefix("#/").split("/"):
        found = found[key]
    return found


def schema(document: Document, wanted: Document) -> jsonschema_rs.Validator:
    """A validator for a schema that may refer to the document's own schemas."""
    return jsonschema_rs.validator_for({**wanted, "components": document["components"]})
