"""A real object store (versitygw) on a free loopback port, with TLS, users and a bucket policy, and a TCP
proxy that makes any server slow or takes it away."""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import socket
import subprocess
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from infra.sandbox import tools
from tests.app.servers import Server

BUCKET, STACK = "team-backups", "coupang-cs-test"
USERS = ("writer", "keeper", "reader", "archiver", "pitr")
EVERYBODY = {"AWS": list(USERS)}
WRITING = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
DELETING = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
LISTING = ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation"]
# The store's disk, when it is to be a small one: a mount that nobody else sees and that ends with the store.
MOUNTED = 'mount -t tmpfs -o size="$SIZE" store "$ROOT" && mkdir "$ROOT/data" && exec "$@"'


class ObjectStore(Server):
    """versitygw. ``megabytes``: the size of its disk, where it is to be full one day."""

    def __init__(self, megabytes: int | None = None) -> None:
        super().__init__("store")
        self.megabytes = megabytes
        self.secrets = {user: secrets.token_urlsafe(24) for user in ("root", *USERS)}
        for name in ("root", "iam", "versions"):
            (self.folder / name).mkdir()
        if megabytes is None:
            (self.folder / "root" / "data").mkdir()
        self.certificate = self.folder / "cert.pem"
        self._make_certificate()

    @property
    def url(self) -> str:
        """BACKUP_ENDPOINT."""
        return f"https://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """Keys come by environment; a small disk is a tmpfs in a mount namespace of its own."""
        gateway = [
            str(tools.tool("versitygw")),
            *("--port", f"127.0.0.1:{self.port}"),
            *("--cert", str(self.certificate), "--key", str(self.folder / "key.pem")),
            *("--iam-dir", str(self.folder / "iam"), "--quiet", "posix"),
            *(() if self.megabytes else ("--versioning-dir", str(self.folder / "versions"))),
            str(self.folder / "root" / "data"),
        ]
        if self.megabytes is None:
            return gateway
        return ["unshare", "--mount", "sh", "-ec", MOUNTED, "sh", *gateway]

    def start(self) -> None:
        """Returns as soon as it answers; the first time it makes users, bucket and policy."""
        keys = {"ROOT_ACCESS_KEY": "root", "ROOT_SECRET_KEY": self.secrets["root"]}
        os.environ.update(keys | {"SIZE": f"{self.megabytes}m", "ROOT": str(self.folder / "root")})
        try:
            super().start()
        finally:
            for name in (*keys, "SIZE", "ROOT"):
                os.environ.pop(name)
        if not self.root.list_buckets()["Buckets"]:
            self._make_users()
            self.root.create_bucket(Bucket=BUCKET)
            if not self.megabytes:
                versions = {"Status": "Enabled"}
                self.root.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=versions)
            self.allow()

    def client(self, user: str) -> Any:
        """boto3's client for a user."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=user,
            aws_secret_access_key=self.secrets[user],
            verify=str(self.certificate),
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )

    @cached_property
    def root(self) -> Any:
        """The client of the store's own administrator."""
        return self.client("root")

    def allow(self, *, writing: bool = True) -> None:
        """The product's policy: the writer does not delete, the keeper does not write, the reader may record
        drills. Without ``writing`` nobody may write."""
        bucket = f"arn:aws:s3:::{BUCKET}"
        rules: list[tuple[Any, list[str], str]] = [
            (EVERYBODY, LISTING, bucket),
            (EVERYBODY, ["s3:GetObject", "s3:GetObjectVersion"], f"{bucket}/*"),
            ({"AWS": ["keeper"]}, DELETING, f"{bucket}/*"),
        ]
        if writing:
            rules += [
                ({"AWS": ["writer"]}, WRITING, f"{bucket}/*"),
                ({"AWS": ["reader"]}, ["s3:PutObject"], f"{bucket}/{STACK}/drills/*"),
                ({"AWS": ["archiver", "pitr"]}, WRITING, f"{bucket}/{STACK}/pitr/*"),
                ({"AWS": ["pitr"]}, DELETING, f"{bucket}/{STACK}/pitr/*"),
            ]
        statements = [
            {"Effect": "Allow", "Principal": who, "Action": actions, "Resource": what}
            for who, actions, what in rules
        ]
        policy = {"Version": "2012-10-17", "Statement": statements}
        self.root.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))

    def keys(self, prefix: str = STACK) -> dict[str, int]:
        """What lies there: key → bytes."""
        found = self.root.list_objects_v2(Bucket=BUCKET, Prefix=prefix + "/").get("Contents", ())
        return {each["Key"]: each["Size"] for each in found}

    def uploads(self) -> list[str]:
        """Keys of unfinished uploads."""
        return [each["Key"] for each in self.root.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ())]

    def get(self, key: str) -> bytes:
        """An object."""
        data: bytes = self.root.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return data

    def put(self, key: str, data: bytes) -> None:
        """Writes an object as the administrator, who may damage anything."""
        self.root.put_object(Bucket=BUCKET, Key=key, Body=data)

    def versions(self, prefix: str = STACK) -> list[tuple[str, str]]:
        """Key and version of everything that takes room, markers of deletion last."""
        found = self.root.list_object_versions(Bucket=BUCKET, Prefix=prefix + "/")
        every = (*found.get("Versions", ()), *found.get("DeleteMarkers", ()))
        return [(each["Key"], each["VersionId"]) for each in every]

    def empty(self, prefix: str = STACK) -> None:
        """Removes everything, old versions and unfinished uploads too."""
        for key, version in self.versions(prefix):
            self.root.delete_object(Bucket=BUCKET, Key=key, VersionId=version)
        for each in self.root.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ()):
            self.root.abort_multipart_upload(Bucket=BUCKET, Key=each["Key"], UploadId=each["UploadId"])

    def _make_users(self) -> None:
        admin = [str(tools.tool("versitygw")), "admin", "--allow-insecure", "--endpoint-url", self.url]
        login = {"ADMIN_ACCESS_KEY_ID": "root", "ADMIN_SECRET_ACCESS_KEY": self.secrets["root"]}
        for user in USERS:
            create = ["create-user", "--access", user, "--secret", self.secrets[user], "--role", "user"]
            done = subprocess.run(
                [*admin, *create], env=os.environ | login, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr + done.stdout

    def _make_certificate(self) -> None:
        key, now = Ed25519PrivateKey.generate(), datetime.now(UTC)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "store")])
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([address, x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, None)
        )
        self.certificate.write_bytes(made.public_bytes(Encoding.PEM))
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / "key.pem").write_bytes(private)


class Proxy:
    """Passes TCP on to a port of the loopback: at ``rate`` bytes a second towards it, until it is cut."""

    def __init__(self, target: int, rate: int | None = None) -> None:
        self._target, self.rate, self.passed = target, rate, 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        """Ends every connection, and takes no more."""
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # it was cut
            far = socket.create_connection(("127.0.0.1", self._target))
            self._open += [near, far]
            for source, sink, limited in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._pass, args=(source, sink, limited), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, limited: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
                if limited:
                    self.passed += len(data)
                    if self.rate:
                        time.sleep(len(data) / self.rate)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


def key_files(folder: Path) -> None:
    """BACKUP_KEYS: signing-key, recipient and identity."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    for name, data in (
        ("signing-key", secrets.token_hex(32).encode()),
        ("recipient", public),
        ("identity", private),
    ):
        (folder / name).touch(0o600)
        (folder / name).write_bytes(data + b"\n" * (name != "signing-key"))
