"""Dispatch's routes, by who uses them."""
