"""Expand: the fifteen default categories (seed 002 §1.2).

Some letters of the list are lost in the source. The names follow from the bytes that are left: exactly the
syllables with a byte that has no letter in the code page of the damaged text are missing, so the fourth,
"□구 패배", is 농구 (basketball) and not 친구, 야구 or 당구, whose bytes would all have survived.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

DEFAULTS = (
    ("🍚", "식비"),
    ("🍪", "간식류"),
    ("☕", "카페"),
    ("🏀", "농구 패배"),
    ("🎵", "음악"),
    ("🚌", "교통비"),
    ("🏠", "주거비"),
    ("📱", "통신비"),
    ("🏥", "의료비"),
    ("🧴", "생활용품"),
    ("🎁", "선물"),
    ("📚", "교육"),
    ("🎨", "취미"),
    ("💳", "금융"),
    ("📦", "기타"),
)
INSERT = sa.text(
    "INSERT INTO categories (name, emoji, is_default, created_at)"
    " VALUES (:name, :emoji, true, now() + :place * interval '1 millisecond')"
)


def upgrade() -> None:
    """Adds rows, and changes none."""
    for place, (emoji, name) in enumerate(DEFAULTS):  # the list is shown in this order
        op.execute(INSERT.bindparams(name=name, emoji=emoji, place=place))


def downgrade() -> None:
    """Removes the defaults; entries that use them lose their category, not themselves."""
    mine = "category_id IN (SELECT id FROM categories WHERE is_default)"
    op.execute(f"UPDATE transactions SET category_id = NULL WHERE {mine}")  # noqa: S608  (a constant)
    op.execute(f"UPDATE recurring_transactions SET category_id = NULL WHERE {mine}")  # noqa: S608
    op.execute("DELETE FROM categories WHERE is_default")
