"""Another version of the service: a copy of its code with more revisions, as the next image would hold."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

from app import contract

CODE = Path(contract.__file__).parent
REVISION = '''"""{phase} for a test."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None
phase = "{phase}"


def upgrade() -> None:
    """Of a test."""
{body}


def downgrade() -> None:
    """Of a test."""
'''


class Image:
    """The code in a folder of its own, where commands of it run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(CODE, folder / "app", ignore=shutil.ignore_patterns("__pycache__"))

    def add(self, revision: str, phase: str, body: str) -> None:
        """A revision behind the one with the number before; again: in its place."""
        text = REVISION.format(
            revision=revision,
            before=f"{int(revision) - 1:04}",
            phase=phase,
            body=textwrap.indent(textwrap.dedent(body).strip(), "    "),
        )
        (self.folder / "app/migrations/versions" / f"{revision}_of_a_test.py").write_text(text)

    def run(self, address: str, *command: str) -> subprocess.CompletedProcess[str]:
        """``python …`` with no more of an environment than a migration's pod has."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env={"DATABASE_URL": address, "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    def migrate(self, address: str, command: str) -> subprocess.CompletedProcess[str]:
        """``python -m app.migrate``."""
        return self.run(address, "-m", "app.migrate", command)
