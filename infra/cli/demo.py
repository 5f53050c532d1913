"""`slipway demo`: a ledger through the API of the running service, compared with the file it came from."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from infra.errors import UserError

TIMEOUT_SECONDS = 60.0
HTTP_ERROR = 400


def demo(
    stack: Annotated[str, typer.Argument(help="The stack whose service takes the ledger.")] = "sandbox",
    file: Annotated[
        Path | None, typer.Option(help="Your own IndexedDB export instead of the sample.")
    ] = None,
    transactions: Annotated[int, typer.Option(min=12, max=20_000, help="Size of the sample.")] = 2_000,
    save: Annotated[Path | None, typer.Option(help="Also write the sample to this file.")] = None,
) -> None:
    """Import a household ledger through the running API and print the newest month's summary."""
    from infra import demo as ledger

    export = ledger.read_export(file) if file else ledger.household(transactions)
    if save:
        save.write_text(json.dumps(export, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
    year, month = ledger.latest_month(export)
    report, served = _through_the_api(stack, export, year, month)
    _show(report, year, month, served, ledger.summarise(export, year, month))


def _through_the_api(stack: str, export: dict[str, Any], year: int, month: int) -> tuple[dict[str, Any], Any]:
    """The import's report and the month's summary as the service tells it."""
    import httpx

    from infra import demo as ledger
    from infra import reach
    from infra import stack as stacks

    url = stacks.outputs(stack).get("url")
    if not url:
        raise UserError.of(f"stack {stack}", "has no service address", f"bring it up: slipway up {stack}")
    headers = {"Authorization": f"Bearer {stacks.secret(stack, 'devToken')}"}
    with (
        reach.reachable(url, stacks.surroundings(stack)) as address,
        httpx.Client(base_url=address, headers=headers, timeout=TIMEOUT_SECONDS) as client,
    ):
        try:
            report = _answer(
                client.post("/backup/import", json=json.loads(json.dumps(export, default=float)))
            )
            stats = _answer(client.get(f"/stats/monthly/{year}/{month}"))
        except httpx.TransportError as error:
            raise UserError.of(
                url, f"does not answer: {error}", f"see what is wrong: slipway status {stack}"
            ) from error
    income, expense, balance = (Decimal(str(stats[key])) for key in ("income", "expense", "balance"))
    return report, ledger.Summary(income, expense, balance, int(stats["count"]))


def _answer(response: Any) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    if response.status_code >= HTTP_ERROR:
        details = json.dumps(body.get("details"), ensure_ascii=False)[:600]
        raise UserError.of(
            f"{response.request.method} {response.request.url.path}",
            f"{response.status_code} {body.get('message', '')} {details}",
            f"find it in the log by its trace id: {body.get('trace_id', '-')}",
        )
    return body


def _show(report: dict[str, Any], year: int, month: int, served: Any, computed: Any) -> None:
    console = Console()
    console.print(f"imported {report['imported']} transactions, {report['skipped']} were there already")
    table = Table("", "from the API", "from the file", title=f"{year}-{month:02d}")
    for key in ("income", "expense", "balance", "count"):
        table.add_row(key, *(f"{getattr(summary, key):,.0f}" for summary in (served, computed)))
    console.print(table)
    if served != computed:
        raise UserError.of(
            f"{year}-{month:02d}",
            f"the service's summary {served} differs from the file's {computed}",
            "the account may hold other transactions of that month: compare GET /transactions/by-month",
        )
    console.print("the two are equal")
