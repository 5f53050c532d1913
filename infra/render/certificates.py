"""A server's certificate that follows from a key and from nothing else: the same words give the same one.

Nothing here is random or dated: objects are named by their content, and an unchanged key changes none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

# A certificate is as good as the key that it follows from: its dates say nothing.
BEGINS, ENDS = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Certificate:
    """A server's certificate, which is its own authority, and its private key; both PEM."""

    certificate: str
    key: str


def made(seed: bytes, serial: bytes, host: str, owner: str) -> Certificate:
    """``seed``: 32 bytes, the private key; ``serial``: 16 bytes; ``host``: where clients look for it."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key()
    # A common name has 64 characters at most (RFC 5280), and a host may have more.
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, owner)])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    signed = (
        x509.CertificateBuilder(name, name, public, int.from_bytes(serial) >> 1, BEGINS, ENDS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(private, None)
    )
    plain = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Certificate(signed.public_bytes(Encoding.PEM).decode(), plain.decode())
