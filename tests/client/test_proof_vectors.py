"""The vectors of the search for a proof of work, which `people_proof.test.js` reads: ALTCHA's own library must find the
same number, and accept it as a proof."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from altcha import v1 as altcha

VECTORS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("proof_vectors.json").read_text())["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_altchas_library_takes_the_number_that_the_client_finds(vector: dict[str, Any]) -> None:
    asked, number = vector["challenge"], vector["number"]
    found = altcha.solve_challenge(asked["challenge"], asked["salt"], asked["algorithm"], asked["maxNumber"])
    assert found is not None
    assert found.number == number
    proof = altcha.Payload(asked["algorithm"], asked["challenge"], number, asked["salt"], asked["signature"])
    assert altcha.verify_solution(proof, "key", check_expires=False) == (True, None)
