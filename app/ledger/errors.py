"""What the ledger refuses, and with which code."""

from __future__ import annotations

from app.core.errors import AppError


class BackupRefusedError(AppError):
    """The file has problems; all of them (up to 100) are in ``details`` and nothing was imported."""

    code = "ERR_1500"
    message = "The backup file was refused; nothing was imported"


class CategoryInUseError(AppError):
    """Entries refer to the category."""

    code = "ERR_1501"
    message = "The category is still in use"


class DefaultCategoryError(AppError):
    """Everybody shares the defaults."""

    code = "ERR_1502"
    message = "Default categories cannot be changed"


class EntriesMadeError(AppError):
    """Where a template begins is part of the entries that were made from it."""

    code = "ERR_1507"
    message = "Entries were made from the recurring transaction; its start cannot change any more"
