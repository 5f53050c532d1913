"""Security headers of every answer (C3).

Values follow OWASP's cheat sheets, but for X-XSS-Protection: requirement C3 asks for the header, OWASP for
"0". Of the values that turn the old filters on, "1; mode=block" is the one that never rewrites a page.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import Scope

DOCS_PATH: Final = "/docs"  # development only, see app/main.py
SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",  # answers are data, not pages
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-XSS-Protection": "1; mode=block",
}
DOCS_POLICY: Final = "default-src 'self' https: data: 'unsafe-inline'; frame-ancestors 'none'"


def _raw(headers: dict[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


USUAL = _raw(SECURITY_HEADERS)
DOCS = _raw(SECURITY_HEADERS | {"Content-Security-Policy": DOCS_POLICY})


def secure(scope: Scope, headers: MutableHeaders) -> None:
    """Adds the headers, which no route sets itself. Answers to requests with a token are kept by no cache
    unless the route says so."""
    headers.raw.extend(DOCS if scope["path"] == DOCS_PATH else USUAL)
    if any(name == b"authorization" for name, _ in scope["headers"]):
        headers.setdefault("Cache-Control", "no-store")
