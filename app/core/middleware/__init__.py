"""The ASGI middleware; the order stands in app/main.py."""
