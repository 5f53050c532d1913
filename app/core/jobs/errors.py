"""What a batch job refuses."""

from __future__ import annotations

from app.core.errors import AppError


class JobStatusError(AppError):
    """The job's status does not allow the action; ``details`` name the status and what it allows."""

    code = "ERR_1506"
    message = "The batch job's status does not allow this"
