"""The cluster's certificates and keys (cryptography): made once, renewed when they no longer fit."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra import private

LEAF_DAYS = 365
AUTHORITY_DAYS = 3650
RENEW_DAYS = 30  # a cluster that is kept for long gets new leaves at an `up` in the last month
ENCRYPTION_KEY_BYTES = 32


@dataclass(frozen=True)
class Leaf:
    """One certificate that is wanted: who it names, who signs it, for which hosts when it serves."""

    name: str
    authority: str
    common_name: str
    organization: str = ""
    hosts: tuple[str, ...] = ()
    client: bool = True


def ensure(folder: Path, authorities: Iterable[str], leaves: Iterable[Leaf]) -> list[str]:
    """Make or renew what is missing, expiring or different. Returns the names of what was written.

    Files: ``<name>.crt`` and ``<name>.key`` (PEM, keys mode 0600). A renewed authority renews its leaves.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = [name for name in authorities if _ensure_authority(folder, name)]
    for leaf in leaves:
        if not _fits(folder, leaf):
            _issue(folder, leaf)
            written.append(leaf.name)
    return written


def ensure_signing_key(path: Path) -> None:
    """The key pair that signs service-account tokens: ``path`` and ``path`` with ``.pub``."""
    if path.exists() and path.with_suffix(".pub").exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    private.write(path.with_suffix(".pub"), public)
    private.write(path, _pem(key))


def ensure_encryption_key(path: Path) -> str:
    """The key (base64 of 32 bytes) that Secrets are encrypted with in etcd; made once."""
    if not path.exists():
        private.write(path, base64.b64encode(secrets.token_bytes(ENCRYPTION_KEY_BYTES)))
    return path.read_text()


def _ensure_authority(folder: Path, name: str) -> bool:
    certificate = _certificate(folder, name)
    if certificate and _key(folder, name) and _lasts(certificate, LEAF_DAYS):
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"slipway {name}")])
    built = (
        _builder(subject, subject, key, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder, name, key, built)
    return True


def _issue(folder: Path, leaf: Leaf) -> None:
    authority, signer = _certificate(folder, leaf.authority), _key(folder, leaf.authority)
    if authority is None or signer is None:
        raise ValueError(f"{leaf.name}: the authority {leaf.authority} was not made before")
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_subject(leaf), authority.subject, key, LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_purposes(leaf)), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if leaf.hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(_names(leaf.hosts)), critical=False)
    _write(folder, leaf.name, key, builder.sign(signer, hashes.SHA256()))


def _fits(folder: Path, leaf: Leaf) -> bool:
    certificate, key = _certificate(folder, leaf.name), _key(folder, leaf.name)
    authority = _certificate(folder, leaf.authority)
    if certificate is None or key is None or authority is None or not _lasts(certificate, RENEW_DAYS):
        return False
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # whatever is wrong with the signature, a new certificate mends it
        return False
    return (
        certificate.subject == _subject(leaf)
        and certificate.public_key() == key.public_key()
        and _hosts(certificate) == (_names(leaf.hosts) if leaf.hosts else [])
    )


def _hosts(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _lasts(certificate: x509.Certificate, days: int) -> bool:
    now = datetime.datetime.now(datetime.UTC)
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - _days(days)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))  # clocks that were set back a little
        .not_valid_after(now + _days(days))
    )


def _subject(leaf: Leaf) -> x509.Name:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, leaf.common_name)]
    if leaf.organization:
        names.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, leaf.organization))
    return x509.Name(names)


def _purposes(leaf: Leaf) -> list[x509.ObjectIdentifier]:
    serving = [ExtendedKeyUsageOID.SERVER_AUTH] if leaf.hosts else []
    return [*serving, *([ExtendedKeyUsageOID.CLIENT_AUTH] if leaf.client else [])]


def _names(hosts: Iterable[str]) -> list[x509.GeneralName]:
    return [_general_name(host) for host in hosts]


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _certificate(folder: Path, name: str) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _key(folder: Path, name: str) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = serialization.load_pem_private_key((folder / f"{name}.key").read_bytes(), None)
    except (FileNotFoundError, ValueError):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _write(folder: Path, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    private.write(folder / f"{name}.key", _pem(key))
    private.write(folder / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM))


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _days(count: int) -> datetime.timedelta:
    return datetime.timedelta(days=count)
