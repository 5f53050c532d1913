"""What each of the users may do, with its own key, on a server that enforces their policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.render.backup_keys import User
from tests.aws.conftest import EVERYBODY, STACK, World

pytestmark = [pytest.mark.integration, pytest.mark.slow]
DUMP = f"{STACK}/2026-11-20/database.dump"
RECORD = f"{STACK}/drills/2026-11-20/once.json"
SEGMENT = f"{STACK}/pitr/0a1b2c3d/archive/main/15-1/000000010000000000000001"
FOREIGN = "ledger-prod/2026-11-20/database.dump"


@pytest.fixture(scope="module", autouse=True)
def enforced(world: World) -> Iterator[None]:
    """Objects, then policies are enforced.

    The bucket's own policy goes before: moto heeds no condition, and would refuse whoever comes with TLS.
    """
    admin = world.moto.client("s3")
    admin.delete_bucket_policy(Bucket=world.bucket)
    for key in (DUMP, RECORD, SEGMENT, FOREIGN):
        admin.put_object(Bucket=world.bucket, Key=key, Body=b"0")
    world.keys()
    world.moto.enforce()
    yield
    world.moto.allow_all()


def put(s3: Any, bucket: str, key: str = DUMP) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=b"1")


def multipart(s3: Any, bucket: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key=DUMP)["UploadId"]
    s3.upload_part(Bucket=bucket, Key=DUMP, UploadId=upload, PartNumber=1, Body=b"1")
    s3.abort_multipart_upload(Bucket=bucket, Key=DUMP, UploadId=upload)


def get(s3: Any, bucket: str, key: str = DUMP) -> None:
    s3.get_object(Bucket=bucket, Key=key)["Body"].close()


def listed(s3: Any, bucket: str) -> None:
    s3.list_objects_v2(Bucket=bucket, Prefix=STACK)


def deleted(s3: Any, bucket: str, key: str = DUMP) -> None:
    s3.delete_object(Bucket=bucket, Key=key)


def record(s3: Any, bucket: str) -> None:
    put(s3, bucket, RECORD)


def archived(s3: Any, bucket: str) -> None:
    put(s3, bucket, SEGMENT)


def replayed(s3: Any, bucket: str) -> None:
    get(s3, bucket, SEGMENT)


def expired(s3: Any, bucket: str) -> None:
    deleted(s3, bucket, SEGMENT)


def foreign(s3: Any, bucket: str) -> None:
    get(s3, bucket, FOREIGN)


def closed(s3: Any, bucket: str) -> None:
    s3.delete_bucket_policy(Bucket=bucket)


Deed = Callable[[Any, str], None]
MAY: dict[User, list[Deed]] = {
    User.WRITER: [put, multipart, get, listed],
    User.READER: [get, listed, record],
    User.KEEPER: [get, listed, deleted],
    User.ARCHIVER: [archived, replayed, listed],
    User.PITR: [archived, replayed, listed, expired],
}
MAY_NOT: dict[User, list[Deed]] = {
    User.WRITER: [deleted, foreign, closed],
    User.READER: [put, deleted, multipart, foreign, closed],
    User.KEEPER: [put, multipart, record, foreign, closed],
    User.ARCHIVER: [put, get, deleted, expired, foreign, closed],
    User.PITR: [put, get, deleted, foreign, closed],
}


def table(rights: dict[User, list[Deed]]) -> list[Any]:
    return [pytest.param(u, deed, id=f"{u}-{deed.__name__}") for u, deeds in rights.items() for deed in deeds]


@pytest.mark.parametrize(("user", "deed"), table(MAY))
def test_a_user_may_do_its_task(world: World, clients: dict[User, Any], user: User, deed: Deed) -> None:
    deed(clients[user], world.bucket)


@pytest.mark.parametrize(("user", "deed"), table(MAY_NOT))
def test_a_user_may_do_nothing_else(world: World, clients: dict[User, Any], user: User, deed: Deed) -> None:
    with pytest.raises(ClientError, match=r"AccessDenied|403"):
        deed(clients[user], world.bucket)


@pytest.fixture(scope="module")
def clients(world: World) -> dict[User, Any]:
    """S3 with each user's own key."""
    return {user: world.s3_as(user) for user in EVERYBODY}
