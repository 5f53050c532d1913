"""A server whose certificate ends when a test wants it to."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(folder: Path, host: str, ends: timedelta, authority: Path | None = None) -> Path:
    """A file with a key and a certificate, which ends so long from now. ``authority``: the path of who signs
    it, without .key and .crt; without one nobody does."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    signer, issuer = (key, name) if authority is None else _authority(authority)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / f"{host}-{ends.days}.pem"
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return file


def _authority(path: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Name]:
    key = serialization.load_pem_private_key(path.with_suffix(".key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key, x509.load_pem_x509_certificate(path.with_suffix(".crt").read_bytes()).subject


@contextmanager
def serving(address: tuple[str, int], certificate: Path) -> Iterator[ssl.SSLContext]:
    """An HTTPS server with the certificate; another one loaded into the context is shown from then on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with ThreadingHTTPServer(address, BaseHTTPRequestHandler, bind_and_activate=False) as server:
        server.allow_reuse_address = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who only looks hangs up
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.server_bind()
        server.server_activate()
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield context
        finally:
            server.shutdown()
            thread.join()
