"""Images of the service as a team might push them: sound ones, and ones that are broken in one way each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from infra.images import Catalogue, Image, reference
from infra.paths import ROOT
from infra.progress import Progress
from infra.sandbox import images as built
from infra.sandbox.config import SandboxConfig
from tests.live.faults.images import with_file

MAIN, CHAIN = "main.py", "    app.add_middleware(BodyLimitMiddleware"
BETWEEN = """
PROBES = {{"/health", "/readiness", "/liveness", "/metrics"}}

class Between:
    def __init__(self, app): self.app = app
    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and scope["path"] not in PROBES:
            {what}
        await self.app(scope, receive, send)
"""
# Name → what happens in the middle of a request, or as the program starts.
REQUESTS = {
    "sound": "pass",
    "one-in-fifty": "import random; assert random.random() >= 0.02, 'one in fifty'",
    "slow": "import asyncio; await asyncio.sleep(0.8)",
}
STARTS = {
    "crashes": "raise SystemExit('broken as it starts')",
    "hungry": "held = [bytes([1]) * 2**20 for _ in range(2**11)]  # 2 GiB",
}
MIGRATION = """
from alembic import op
revision, down_revision, branch_labels, depends_on = "9999", {head!r}, None, None
def upgrade(): op.execute("ALTER TABLE no_such_table ADD COLUMN x int")
def downgrade(): pass
"""


def name(variant: str) -> str:
    """The image's reference in the sandbox."""
    return f"localhost/slipway/service:{variant}"


class Images:
    """Variant → reference; made when it is first asked for, and in the cluster's containerd until the end."""

    def __init__(self, folder: Path, held: ExitStack) -> None:
        self._folder, self._held = folder, held
        self._made: set[str] = set()

    def __getitem__(self, variant: str) -> str:
        if variant not in self._made:
            work = self._folder / variant
            work.mkdir()
            file, place = _file(work, variant)
            base = reference(Image.SERVICE, Catalogue.SANDBOX)
            self._held.enter_context(with_file(SandboxConfig(), base, file, place, name(variant)))
            self._made.add(variant)
        return name(variant)


@contextmanager
def images(folder: Path) -> Iterator[Images]:
    """Those that are asked for within the context."""
    built.ensure([Image.SERVICE], SandboxConfig(), Progress(quiet=True))
    with ExitStack() as held:
        yield Images(folder, held)


def _file(work: Path, variant: str) -> tuple[Path, str]:
    """The one file that differs, and its folder below app/."""
    if variant == "migration":
        from infra.render.service import schema_head

        file = work / "9999_fails.py"
        file.write_text(MIGRATION.format(head=schema_head()))
        return file, "migrations/versions"
    file, text = work / MAIN, (ROOT / "app" / MAIN).read_text()
    assert text.count(CHAIN) == 1
    if variant in STARTS:
        file.write_text(text.replace("\ndef main() ->", f"\n{STARTS[variant]}\n\n\ndef main() ->"))
    else:
        between = BETWEEN.format(what=REQUESTS[variant.partition("_")[0]])
        mended = text.replace(CHAIN, f"    app.add_middleware(Between)\n{CHAIN}")
        file.write_text(mended.replace("\ndef add_chain(", f"{between}\n\ndef add_chain("))
    return file, "."
