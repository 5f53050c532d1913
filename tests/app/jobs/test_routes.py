"""The batch routes: what people see, what they may do, and that others' jobs do not exist for them."""

from __future__ import annotations

import uuid

import httpx
import pytest

from app.core.context import Context
from app.core.errors import InvalidRequestError
from app.core.jobs import service
from app.core.jobs.chunks import Chunks
from app.core.jobs.schemas import BatchOut
from app.core.jobs.service import Batches
from tests.app.conftest import ClientFor
from tests.app.jobs.kinds import NOTE

pytestmark = pytest.mark.integration
ROUTES = (
    ("GET", ""),
    ("GET", "/results"),
    ("POST", "/pause"),
    ("POST", "/resume"),
    ("POST", "/cancel"),
)


async def submit(client: httpx.AsyncClient, context: Context, items: int = 2) -> BatchOut:
    """A job of the client's, whose first request makes its user."""
    me = (await client.get("/auth/me")).json()["id"]
    return await Batches(context).submit(uuid.UUID(me), NOTE.name, [{"number": n} for n in range(items)])


async def test_a_job_has_the_documented_shape(alice: httpx.AsyncClient, context: Context) -> None:
    job = await submit(alice, context)
    body = (await alice.get(f"/api/batch/jobs/{job.job_id}")).json()
    assert body.pop("created_at")
    assert body == {
        "job_id": str(job.job_id),
        "kind": "test.note",
        "status": "pending",
        "version": 1,
        "progress_percent": 0.0,
        "processed_items": 0,
        "failed_items": 0,
        "total_items": 2,
        "error": None,
        "timing": {"elapsed_seconds": 0.0, "eta_seconds": None, "eta_formatted": None},
        "statistics": {"success_rate": None},
        "started_at": None,
        "finished_at": None,
    }


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_another_persons_job_does_not_exist(
    alice: httpx.AsyncClient, bob: httpx.AsyncClient, context: Context, method: str, path: str
) -> None:
    job = await submit(alice, context)
    for url in (f"/api/batch/jobs/{job.job_id}{path}", f"/api/batch/jobs/{uuid.uuid4()}{path}"):
        response = await bob.request(method, url)
        assert (response.status_code, response.json()["error_code"]) == (404, "ERR_1002")
    assert (await Batches(context).get(job.job_id)).version == 1


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("GET", "list"), ("GET", "stats")])
async def test_nobody_sees_jobs_without_a_token(anonymous: httpx.AsyncClient, method: str, path: str) -> None:
    urls = {"list": "/api/batch/jobs", "stats": "/api/batch/stats"}
    response = await anonymous.request(method, urls.get(path, f"/api/batch/jobs/{uuid.uuid4()}{path}"))
    assert (response.status_code, response.json()["error_code"]) == (401, "ERR_1100")


async def test_lists_and_sums_hold_ones_own_jobs_and_an_admins_hold_all(
    alice: httpx.AsyncClient, bob: httpx.AsyncClient, client_for: ClientFor, context: Context
) -> None:
    of_alice = [str((await submit(alice, context)).job_id) for _ in range(3)]
    of_bob = str((await submit(bob, context, 5)).job_id)
    admin = client_for("admin:root")

    async def ids(client: httpx.AsyncClient, query: str = "") -> list[str]:
        return [job["job_id"] for job in (await client.get(f"/api/batch/jobs{query}")).json()["items"]]

    assert await ids(alice) == of_alice[::-1]
    assert await ids(bob) == [of_bob]
    assert await ids(admin) == [of_bob, *of_alice[::-1]]
    assert await ids(alice, "?page=2&page_size=2") == [of_alice[0]]
    assert await ids(alice, "?status=running") == []
    assert await ids(alice, "?status=pending&kind=test.note") == of_alice[::-1]
    assert await ids(alice, "?kind=other") == []
    page = (await alice.get("/api/batch/jobs?page_size=2")).json()
    assert {key: page[key] for key in ("total", "page", "page_size", "pages")} == {
        "total": 3,
        "page": 1,
        "page_size": 2,
        "pages": 2,
    }
    assert (await bob.get("/api/batch/stats")).json() == {
        "total_jobs": 1,
        "jobs_by_status": {
            "pending": 1,
            "running": 0,
            "paused": 0,
            "completed": 0,
            "failed": 0,
            "cancelled": 0,
        },
        "total_items": 5,
        "processed_items": 0,
        "failed_items": 0,
        "success_rate": None,
    }
    assert (await admin.get("/api/batch/stats")).json()["total_items"] == 11


async def test_who_has_no_jobs_sees_none(alice: httpx.AsyncClient) -> None:
    assert (await alice.get("/api/batch/jobs")).json()["items"] == []
    assert (await alice.get("/api/batch/stats")).json()["total_jobs"] == 0


async def test_an_action_that_the_status_does_not_allow_names_those_it_does(
    alice: httpx.AsyncClient, context: Context
) -> None:
    url = f"/api/batch/jobs/{(await submit(alice, context)).job_id}"
    seen = []
    for action in ("resume", "pause", "pause", "resume", "pause", "cancel", "cancel", "resume", "pause"):
        response = await alice.post(f"{url}/{action}")
        body = response.json()
        seen.append((action, response.status_code, body.get("status") or body["details"]))
        assert response.status_code == 200 or body["error_code"] == "ERR_1506"
    assert seen == [
        ("resume", 409, {"status": "pending", "allowed": ["pause", "cancel"]}),
        ("pause", 200, "paused"),
        ("pause", 409, {"status": "paused", "allowed": ["resume", "cancel"]}),
        ("resume", 200, "pending"),
        ("pause", 200, "paused"),
        ("cancel", 200, "cancelled"),
        ("cancel", 409, {"status": "cancelled", "allowed": []}),
        ("resume", 409, {"status": "cancelled", "allowed": []}),
        ("pause", 409, {"status": "cancelled", "allowed": []}),
    ]
    assert (await alice.get(url)).json()["version"] == 5


async def test_an_admin_may_end_anybodys_job(
    alice: httpx.AsyncClient, client_for: ClientFor, context: Context
) -> None:
    job = await submit(alice, context)
    response = await client_for("admin:root").post(f"/api/batch/jobs/{job.job_id}/cancel")
    assert response.json()["status"] == "cancelled"


async def test_results_come_in_pages_or_failed_alone(alice: httpx.AsyncClient, context: Context) -> None:
    me = uuid.UUID((await alice.get("/auth/me")).json()["id"])
    items = [{"number": n} | ({"then": "conflict"} if n % 3 == 0 else {}) for n in range(7)]
    job = await Batches(context).submit(me, NOTE.name, items)
    url = f"/api/batch/jobs/{job.job_id}/results"
    assert (await alice.get(url)).json()["items"] == []
    await Chunks(context, {NOTE.name: NOTE}, lambda: False).work(job.job_id)
    first = (await alice.get(f"{url}?page_size=3")).json()
    assert ([row["position"] for row in first["items"]], first["total"], first["pages"]) == ([0, 1, 2], 7, 3)
    assert first["items"][1]["result"] == {"doubled": 2}
    assert first["items"][1]["item"] == {"number": 1}
    failed = (await alice.get(f"{url}?only_failed=true")).json()
    assert [row["position"] for row in failed["items"]] == [0, 3, 6]
    assert failed["items"][0]["error"]["error_code"] == "ERR_1003"


@pytest.mark.parametrize("query", ["status=new", "kind=a%20b", "page=0", "page_size=1001", "other=1"])
async def test_a_query_that_is_not_documented_is_refused(alice: httpx.AsyncClient, query: str) -> None:
    response = await alice.get(f"/api/batch/jobs?{query}")
    assert (response.status_code, response.json()["error_code"]) == (422, "ERR_1001")


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "A batch has from 1 to 3 items, not 0"),
        ([{}] * 4, "A batch has from 1 to 3 items, not 4"),
        ([{}, {"a": "x" * 100}], "Item 1 is larger than 50 bytes"),
        ([{"a": "x" * 30}] * 3, "The items are larger than 100 bytes together"),
        ([{"a": "\0"}], "Item 0 holds a NUL character"),
        ([{"a": float("inf")}], "Item 0 is no JSON"),
    ],
)
async def test_a_batch_without_bounds_is_refused(
    context: Context,
    owner: uuid.UUID,
    monkeypatch: pytest.MonkeyPatch,
    items: list[dict[str, object]],
    message: str,
) -> None:
    for name, least in (("MAX_ITEMS", 3), ("MAX_ITEM_BYTES", 50), ("MAX_BATCH_BYTES", 100)):
        monkeypatch.setattr(service, name, least)
    with pytest.raises(InvalidRequestError) as refused:
        await Batches(context).submit(owner, NOTE.name, items)
    assert refused.value.text == message


async def test_a_kind_that_no_module_has_is_the_callers_mistake(context: Context, owner: uuid.UUID) -> None:
    with pytest.raises(ValueError, match=r"no module has the batch kind 'new'"):
        await Batches(context).submit(owner, "new", [{}])


async def test_ten_thousand_items_are_stored_in_one_go(context: Context, owner: uuid.UUID) -> None:
    job = await Batches(context).submit(owner, NOTE.name, [{"number": n} for n in range(10_000)])
    assert job.total_items == 10_000
