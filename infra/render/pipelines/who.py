"""As whom a job goes to the cloud."""

from __future__ import annotations

from enum import StrEnum


class Who(StrEnum):
    """What may a job do there: read for a review, watch, change the stack, push its image?"""

    REVIEW = "review"
    WATCH = "watch"
    APPLY = "apply"
    PUSH = "push"
