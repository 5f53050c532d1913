"""What `slipway up` and `down` do about releases: a kept colour ends, and a sandbox that is gone has none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from infra import stack_file
from infra.progress import Progress
from infra.releases import moves
from infra.settings import check, layers
from infra.settings.release import Released

SECTION = "released"


def end_kept(stack: str, progress: Progress) -> None:
    """The old colour is no longer in the stack file once its time is over. Raises UserError."""
    now = check.load(stack).released
    if moves.kept_too_long(now, datetime.now(UTC)):
        progress.say(f"release {now.number}", f"the old colour was kept until {now.previous_until}: it goes")
        stack_file.put_section(stack, SECTION, plain(moves.alone(now)))


def forget(stack: str) -> None:
    """Nothing was released any more. Raises UserError."""
    if layers.stack_file(stack).is_file() and layers.draft(stack)[SECTION]:
        stack_file.put_section(stack, SECTION, {})


def plain(released: Released) -> dict[str, Any]:
    """As the stack file has it."""
    return released.model_dump(mode="json", exclude_defaults=True)
