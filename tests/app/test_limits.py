"""Bodies that are too large, too deep or no JSON at all."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.integration


async def test_a_file_that_is_no_json_is_refused(alice: httpx.AsyncClient) -> None:
    for text in ("{", "[" * 100_000, ""):
        response = await alice.post(
            "/backup/import", content=text, headers={"Content-Type": "application/json"}
        )
        assert response.status_code in (400, 422)
        assert response.json()["error_code"] in ("ERR_1006", "ERR_1001")


async def test_a_file_of_more_than_ten_megabytes_is_refused(alice: httpx.AsyncClient) -> None:
    async def endless() -> Any:
        for _ in range(11):
            yield b" " * 1_000_000

    for content in (b" " * 10_000_001, endless()):
        response = await alice.post(
            "/backup/import", content=content, headers={"Content-Type": "application/json"}
        )
        assert (response.status_code, response.json()["error_code"]) == (413, "ERR_1005")
        assert response.json()["message"] == "The body is larger than 10000000 bytes"


async def test_other_routes_take_less(alice: httpx.AsyncClient) -> None:
    response = await alice.post("/transactions", content=b"x" * 1_000_001)
    assert (response.status_code, response.json()["details"]) == (413, {"limit": 1_000_000})
