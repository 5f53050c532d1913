"""The ledger's routes."""

from __future__ import annotations

from fastapi import APIRouter

IMPORT_PATH = "/backup/import"
router = APIRouter()
