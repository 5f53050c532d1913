"""A stream of unknown length to an object by multipart upload: there whole, or not at all.

boto3's own transfer tells that a part failed only after it has read the whole stream, which is hours of a
large dump; everything else about S3 is left to boto3.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from infra.backups import report
from infra.errors import UserError

MIB = 1 << 20
# 10,000 parts at most (S3's limit) of 16 MiB: 156 GiB of compressed dump; three in memory at once.
PART_BYTES = 16 * MIB
PARTS_AT_ONCE = 2
MOST_PARTS = 10_000
CHECKSUM, FIELD = "CRC32", "ChecksumCRC32"  # of each part, compared by the store as well
SETTLE_SECONDS = 5.0  # a part that is still on its way when the upload is given up


class Source(Protocol):
    """What is uploaded: fills a buffer, and less than that only at its end."""

    def readinto(self, buffer: memoryview) -> int:
        """How many bytes came."""


def send(client: Any, bucket: str, key: str, source: Source) -> None:
    """The whole source as one object. On any error, the source's own included, nothing of it stays.

    Raises the library's errors, the source's, and UserError where it has too many parts.
    """
    first = _part(source)
    if len(first) < PART_BYTES:
        client.put_object(Bucket=bucket, Key=key, Body=first)
        return
    where = {"Bucket": bucket, "Key": key}
    where["UploadId"] = client.create_multipart_upload(**where, ChecksumAlgorithm=CHECKSUM)["UploadId"]
    pool = ThreadPoolExecutor(PARTS_AT_ONCE)
    parts: list[Future[dict[str, Any]]] = []
    try:
        while first:
            _room(parts)
            parts.append(pool.submit(_send_part, client, where, len(parts) + 1, first))
            first = _part(source)
        done = [part.result() for part in parts]
        client.complete_multipart_upload(**where, MultipartUpload={"Parts": done})
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        wait(parts, SETTLE_SECONDS)
        _forget(client, where)
        raise
    pool.shutdown()


def _part(source: Source) -> bytearray:
    buffer = bytearray(PART_BYTES)
    with memoryview(buffer) as view:
        count = source.readinto(view)
    del buffer[count:]
    return buffer


def _room(parts: list[Future[dict[str, Any]]]) -> None:
    """Waits until another part may be on its way; raises what one of them has raised."""
    if len(parts) == MOST_PARTS:
        what = f"has more than {MOST_PARTS} parts of {PART_BYTES // MIB} MiB"
        raise UserError.of("upload", what, "compress it: set backups.compression to zstd")
    while True:
        for part in parts[-PARTS_AT_ONCE - 1 :]:
            if part.done():
                part.result()
        under_way = [part for part in parts[-PARTS_AT_ONCE - 1 :] if not part.done()]
        if len(under_way) < PARTS_AT_ONCE:
            return
        wait(under_way, return_when=FIRST_COMPLETED)


def _send_part(client: Any, where: dict[str, str], number: int, data: bytearray) -> dict[str, Any]:
    answer = client.upload_part(**where, PartNumber=number, Body=data, ChecksumAlgorithm=CHECKSUM)
    return {"PartNumber": number, "ETag": answer["ETag"], FIELD: answer[FIELD]}


def _forget(client: Any, where: dict[str, str]) -> None:
    try:
        client.abort_multipart_upload(**where)
    except (ClientError, BotoCoreError) as error:
        report.say("warning", what=f"{where['Key']}: its parts stay until the next run removes them: {error}")
