"""Searching a stack's logs: what is asked, as LogsQL, and the lines that answer."""
