"""Certificates: which are accepted, and the line that names a refused file."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from placed.commands.settings.values import Settings
from placed.http.tls import TlsError, server_context
from placed.process.exit_codes import ExitCode
from placed.service.process import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A certificate, its key, both in one file, the key with a password, another key, and a file that is neither."""
    ca = trustme.CA()
    ours, other = ca.issue_cert("placed.test"), ca.issue_cert("other.test")
    files = {name: tmp_path / f"{name}.pem" for name in ("cert", "key", "both", "locked", "other", "text", "missing")}
    ours.cert_chain_pems[0].write_to_path(files["cert"])
    ours.private_key_pem.write_to_path(files["key"])
    ours.private_key_and_cert_chain_pem.write_to_path(files["both"])
    other.private_key_pem.write_to_path(files["other"])
    key = serialization.load_pem_private_key(ours.private_key_pem.bytes(), None)
    locked = serialization.BestAvailableEncryption(b"secret")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    files["locked"].write_bytes(pem)
    files["text"].write_text("not PEM", encoding="utf-8")
    return files


@pytest.mark.parametrize(("certificate", "key"), [("cert", "key"), ("both", None), ("both", "key")])
def test_certificate_and_key_are_taken(files: dict[str, Path], certificate: str, key: str | None) -> None:
    context = server_context(files[certificate], files[key] if key else None)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("certificate", "key", "named", "reason"),
    [
        ("missing", "key", "missing", "can't be read: No such file or directory"),
        ("cert", "missing", "missing", "can't be read: No such file or directory"),
        ("text", "key", "text", "not a certificate with its key"),
        ("cert", "text", "text", "not a certificate with its key"),
        ("cert", None, "cert", "not a certificate with its key"),
        ("cert", "other", "other", "not a certificate with its key: KEY_VALUES_MISMATCH"),
        ("cert", "locked", "locked", "allowed is one without"),
    ],
)
def test_others_are_refused(files: dict[str, Path], certificate: str, key: str | None, named: str, reason: str) -> None:
    with pytest.raises(TlsError) as caught:
        server_context(files[certificate], files[key] if key else None)
    assert str(files[named]) in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_server_with_a_bad_certificate_does_not_start(files: dict[str, Path], tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", port=0, log="memory:", certificate=files["text"])
    assert run(settings) is ExitCode.BAD_USAGE
    assert not (tmp_path / "data").exists()
