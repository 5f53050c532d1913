"""Alembic migrations: one line of revisions, numbered, each with its way back."""
