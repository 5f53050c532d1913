"""What may stand in a revision's file: the version before runs on every expand revision's result."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from app.core import health
from app.core.health import schema_problems
from app.migrations import phases
from app.migrations.phases import VERSIONS, Phase, Revision
from tests.app.conftest import alembic_config
from tests.app.expansion import complaints, misplaced
from tests.app.image import REVISION

pytestmark = pytest.mark.unit
# Contract revisions that every stack has behind it: only these may stand before an expand revision.
HISTORY: frozenset[str] = frozenset()
REFUSED = [
    ('op.drop_column("users", "email")', "drops a column"),
    ('op.drop_table("users")', "drops a table"),
    ('op.rename_table("users", "people")', "renames a table"),
    ('op.alter_column("users", "email", new_column_name="mail")', "renames a column"),
    ('op.alter_column("users", "email", type_=sa.Text())', "changes a type"),
    ('op.alter_column("users", "email", nullable=False)', "sets NOT NULL"),
    (
        'op.add_column("users", sa.Column("a", sa.Integer(), nullable=False))',
        "adds NOT NULL without a default",
    ),
    (
        'column = sa.Column("a", sa.Integer(), nullable=False)\nop.add_column("users", column)',
        "adds NOT NULL",
    ),
    ('with op.batch_alter_table("users") as batch:\n    batch.drop_column("email")', "drops a column"),
    ('op.execute("ALTER TABLE users DROP COLUMN email")', "drops a column"),
    ('op.execute("alter table users drop email")', "drops a column"),
    ('for name in ("a", "b"):\n    op.execute(f"DROP TABLE {name}")', "drops a table"),
    ('op.execute("ALTER TABLE users RENAME email TO mail")', "renames"),
    ('op.execute("ALTER TABLE users ALTER COLUMN email SET NOT NULL")', "sets NOT NULL"),
    ('op.execute("ALTER TABLE users ALTER COLUMN email SET DATA TYPE text")', "changes a type"),
    ('op.execute(sa.text("ALTER TABLE users ADD COLUMN a int NOT NULL"))', "adds NOT NULL without a default"),
]
ALLOWED = [
    'op.add_column("users", sa.Column("a", sa.Integer()))',
    'op.add_column("users", sa.Column("a", sa.Integer(), server_default="1", nullable=False))',
    'op.add_column("users", sa.Column("a", sa.BigInteger(), sa.Identity(), nullable=False))',
    'op.create_table("news", sa.Column("a", sa.Integer(), nullable=False))',
    'op.alter_column("users", "email", nullable=True)',
    'op.alter_column("users", "email", nullable=False, server_default="")',
    'op.drop_constraint("c", "users", type_="check")',
    'op.execute("ALTER TABLE users DROP CONSTRAINT c")',
    'op.execute("ALTER TABLE users ALTER COLUMN email DROP NOT NULL")',
    'op.execute("ALTER TABLE users ADD COLUMN a int DEFAULT 1 NOT NULL")',
    "op.execute(\"UPDATE users SET email = 'x' WHERE email IS NOT NULL\")",
]
LINE = tuple(
    Revision(f"{number:04}", phase)
    for number, phase in enumerate((*[Phase.EXPAND] * 3, *[Phase.CONTRACT] * 2), 1)
)


def written(body: str) -> str:
    return REVISION.format(
        revision="0002", before="0001", phase="expand", body=f"    {body}".replace("\n", "\n    ")
    )


@pytest.mark.parametrize(("body", "deed"), REFUSED)
def test_what_the_version_before_does_not_survive_is_found(body: str, deed: str) -> None:
    (found,) = complaints(written(body))
    assert deed in found


@pytest.mark.parametrize("body", ALLOWED)
def test_what_the_version_before_survives_may_stay(body: str) -> None:
    assert complaints(written(body)) == []


def test_what_a_function_or_a_constant_of_the_file_does_counts_and_the_way_back_does_not() -> None:
    source = written("_go()") + 'GONE = "DROP TABLE a"\n\n\ndef _go() -> None:\n    op.execute(GONE)\n'
    assert [line.split(" ", 2)[2] for line in complaints(source)] == ["drops a table"]
    assert complaints(written("pass") + '    op.drop_table("users")\n') == []


@pytest.mark.parametrize("path", sorted(VERSIONS.glob("[0-9]*.py")), ids=lambda path: path.stem)
def test_every_expand_revision_leaves_the_version_before_running(path: Path) -> None:
    (revision,) = (found for found in phases.read() if path.name.startswith(found.id))
    if revision.phase is Phase.EXPAND:
        assert complaints(path.read_text(encoding="utf-8")) == [], 'say phase = "contract", or add beside it'


def test_no_contract_revision_stands_before_an_expand_one_unless_every_stack_has_it_behind() -> None:
    assert misplaced(phases.read(), HISTORY) == [], "release it everywhere first, then name it in HISTORY"


def test_a_contract_revision_before_an_expand_one_is_found() -> None:
    later = (*LINE, Revision("0006", Phase.EXPAND), Revision("0007", Phase.CONTRACT))
    assert misplaced(LINE, frozenset()) == []
    assert misplaced(later, frozenset()) == ["0004", "0005"]
    assert misplaced(later, frozenset({"0004"})) == ["0005"]


def test_the_phases_that_are_read_are_those_that_alembic_loads() -> None:
    loaded = [
        (script.revision, getattr(script.module, "phase", "expand"))
        for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()
    ]
    assert [(revision.id, revision.phase.value) for revision in phases.read()] == loaded[::-1]


def test_a_revision_that_says_nothing_expands_and_one_that_says_another_word_is_named(tmp_path: Path) -> None:
    (tmp_path / "0001_a.py").write_text("revision = 1\n")
    (tmp_path / "0002_b.py").write_text('phase = "contract"  # with a reason\n')
    assert phases.read(tmp_path) == (Revision("0001", Phase.EXPAND), Revision("0002", Phase.CONTRACT))
    (tmp_path / "0003_c.py").write_text('phase = "contrat"\n')
    with pytest.raises(ValueError, match=r"0003_c\.py: phase 'contrat' is none of: expand, contract"):
        phases.read(tmp_path)


@pytest.mark.parametrize(
    ("revision", "problems"),
    [
        (None, ["no migration has run"]),
        ("0002", ["schema is at 0002, this version needs 0003"]),
        ("0003", []),
        ("0004", []),
        ("0005", []),
        ("0006", []),
    ],
)
def test_a_replica_waits_for_what_it_needs_and_not_for_contract_revisions(
    monkeypatch: pytest.MonkeyPatch, revision: str | None, problems: list[str]
) -> None:
    monkeypatch.setattr(health, "REVISIONS", LINE)
    monkeypatch.setattr(health, "KNOWN_REVISIONS", tuple(revision.id for revision in LINE))
    assert schema_problems(revision) == problems
