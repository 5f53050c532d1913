"""The household ledger (D1): transactions, recurring ones, categories, statistics, backup."""

from typing import cast

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
)
