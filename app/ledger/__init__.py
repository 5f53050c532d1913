"""The household ledger (D1): transactions, recurring ones, categories, statistics, backup."""

from typing import cast

from app.core.checks import Check
from app.core.context import Context
from app.core.jobs.kinds import Schedule
from app.core.module import Module
from app.ledger import backup_router, recurring_router, router, statistics_router
from app.ledger.generation import generate_due
from app.ledger.settings import LedgerSettings


def generate_cron(context: Context) -> str:
    """LEDGER_GENERATE_CRON."""
    return cast(LedgerSettings, context.modules["ledger"]).ledger_generate_cron


MODULE = Module(
    name="ledger",
    routers=(
        router.router,
        backup_router.router,
        backup_router.imports,
        recurring_router.router,
        statistics_router.router,
    ),
    settings=LedgerSettings,
    body_limits={backup_router.IMPORT_PATH: 10_000_000},
    schedules=(Schedule("ledger.generate", generate_cron, generate_due),),
    checks=(
        Check("transactions", "/transactions?page_size=1", {"items": [], "total": 0}),
        Check("categories", "/categories", {"0.is_default": True, "0.name": str}),
        Check("recurring transactions", "/recurring?page_size=1", {"items": [], "total": 0}),
        Check("summary", "/stats/summary", {"balance": "0.00", "count": 0}),
        Check("shares of categories", "/stats/category", {"items": [], "income": "0.00"}),
        Check("assets", "/stats/assets", {"confirmed": "0.00", "months.11.month": str}),
        Check("export", "/backup/export", {"transactions": [], "recurring_transactions": []}),
    ),
)
