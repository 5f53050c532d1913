"""The image's HEALTHCHECK: exit 0 while the server on this machine answers its liveness path."""

from __future__ import annotations

import http.client
import os
import sys

from app import contract

SECONDS = 3
OK = 200


def main() -> int:
    """0 where the server answers 200, else 1 with the reason on standard error."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", int(os.environ.get("PORT") or contract.PORT), timeout=SECONDS
    )
    try:
        connection.request("GET", contract.LIVENESS_PATH)
        status = connection.getresponse().status
    except OSError as error:
        print(f"no answer: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    return 0 if status == OK else 1


if __name__ == "__main__":
    sys.exit(main())
