"""Certificates: made once, renewed exactly when they no longer fit."""

from __future__ import annotations

import datetime
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from infra.sandbox import certificates
from infra.sandbox.certificates import Leaf
from infra.sandbox.config import SandboxConfig
from infra.sandbox.identities import leaves

pytestmark = pytest.mark.unit
SERVER = Leaf("server", "ca", "server", hosts=("10.0.0.1", "localhost"), client=False)
CLIENT = Leaf("client", "ca", "me", "people")


def ensure(folder: Path, *wanted: Leaf) -> list[str]:
    return certificates.ensure(folder, ["ca"], wanted or (SERVER, CLIENT))


def load(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())


def test_what_fits_is_left_alone(tmp_path: Path) -> None:
    assert ensure(tmp_path) == ["ca", "server", "client"]
    assert ensure(tmp_path) == []


def test_a_changed_address_renews_that_certificate_only(tmp_path: Path) -> None:
    ensure(tmp_path)
    moved = Leaf("server", "ca", "server", hosts=("10.0.0.2", "localhost"), client=False)
    assert ensure(tmp_path, moved, CLIENT) == ["server"]


def test_a_changed_group_renews_the_certificate(tmp_path: Path) -> None:
    ensure(tmp_path)
    assert ensure(tmp_path, SERVER, Leaf("client", "ca", "me", "others")) == ["client"]


@pytest.mark.parametrize("name", ["server.crt", "server.key"])
@pytest.mark.parametrize(
    "content", [None, b"", b"-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n"]
)
def test_a_lost_or_broken_file_is_made_again(tmp_path: Path, name: str, content: bytes | None) -> None:
    ensure(tmp_path)
    (tmp_path / name).unlink() if content is None else (tmp_path / name).write_bytes(content)
    assert ensure(tmp_path) == ["server"]


def test_a_key_of_another_certificate_is_noticed(tmp_path: Path) -> None:
    ensure(tmp_path)
    (tmp_path / "server.key").write_bytes((tmp_path / "client.key").read_bytes())
    assert ensure(tmp_path) == ["server"]


def test_a_lost_authority_renews_everything_it_signed(tmp_path: Path) -> None:
    ensure(tmp_path)
    (tmp_path / "ca.key").unlink()
    assert ensure(tmp_path) == ["ca", "server", "client"]


def test_a_certificate_in_its_last_month_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "LEAF_DAYS", certificates.RENEW_DAYS - 1)
    ensure(tmp_path)
    monkeypatch.undo()
    assert ensure(tmp_path) == ["server", "client"]


def test_keys_can_be_read_by_their_owner_only(tmp_path: Path) -> None:
    ensure(tmp_path)
    certificates.ensure_signing_key(tmp_path / "sa.key")
    certificates.ensure_encryption_key(tmp_path / "encryption.key")
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("*.key")} == {0o600}


def test_the_signing_and_encryption_keys_are_made_once(tmp_path: Path) -> None:
    certificates.ensure_signing_key(tmp_path / "sa.key")
    key, secret = (tmp_path / "sa.key").read_bytes(), certificates.ensure_encryption_key(tmp_path / "e.key")
    certificates.ensure_signing_key(tmp_path / "sa.key")
    assert (tmp_path / "sa.key").read_bytes() == key
    assert certificates.ensure_encryption_key(tmp_path / "e.key") == secret


def test_a_client_certificate_cannot_serve_and_a_server_certificate_is_no_client(tmp_path: Path) -> None:
    ensure(tmp_path)
    usage = {
        name: list(load(tmp_path, name).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        for name in ("server", "client")
    }
    assert usage == {"server": [ExtendedKeyUsageOID.SERVER_AUTH], "client": [ExtendedKeyUsageOID.CLIENT_AUTH]}


def test_a_leaf_lasts_a_year_and_cannot_sign(tmp_path: Path) -> None:
    ensure(tmp_path)
    leaf = load(tmp_path, "server")
    left = leaf.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(days=364) < left <= datetime.timedelta(days=365)
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_cluster_has_one_administrator_and_three_separate_authorities() -> None:
    wanted = leaves(SandboxConfig())
    assert [leaf.name for leaf in wanted if leaf.organization == "system:masters"] == ["admin"]
    assert {leaf.authority for leaf in wanted} == {"ca", "etcd-ca", "front-proxy-ca"}
