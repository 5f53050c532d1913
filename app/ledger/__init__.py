"""The household ledger (D1): transactions, categories, statistics, backup."""

from app.core.module import Module
from app.ledger import router
from app.ledger.settings import LedgerSettings

MODULE = Module(
    name="ledger",
    routers=(router.router,),
    settings=LedgerSettings,
    body_limits={router.IMPORT_PATH: 10_000_000},
)
