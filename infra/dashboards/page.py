"""All dashboards on one page that needs no other file: pictures inside, and what each panel means."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from infra.dashboards.read import Picture
from infra.render.environment import render


def html(pictures: Sequence[Picture], drawn: Mapping[str, bytes]) -> str:
    """``drawn``: name of a dashboard → its PNG. All texts are escaped: labels come from outside."""
    moment = datetime.fromtimestamp(pictures[0].end, UTC)
    inside = {name: base64.b64encode(data).decode() for name, data in drawn.items()}
    return render(
        "dashboards/page.html.j2", pictures=pictures, drawn=inside, moment=f"{moment:%Y-%m-%d %H:%M} UTC"
    )
