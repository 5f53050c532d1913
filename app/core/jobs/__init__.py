"""Batch jobs and schedules on PostgreSQL (C5)."""
