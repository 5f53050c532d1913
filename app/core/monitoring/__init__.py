"""What went wrong, found again by its trace id (C1)."""
