"""``python -m app.document docs/api.md``: rewrites the page of the service's contract."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr

from app import contract
from app.core import openapi_page
from app.core.openapi import Document
from app.main import create_app, make_context
from app.settings import Settings

NOWHERE: dict[str, Any] = {
    "environment": "development",
    "secret_key": SecretStr("not a secret: nothing is signed here"),
    "database_url": SecretStr("postgresql://nobody@localhost/none"),
    "redis_url": SecretStr("redis://localhost/0"),
    "modules": contract.MODULES,
}


def application() -> FastAPI:
    """The service with every module. It connects to nothing and reads no environment."""
    return create_app(make_context(Settings.model_construct(None, **NOWHERE), {}))


def document() -> Document:
    """The OpenAPI document with every module; the same on every machine."""
    made: Document = application().openapi()
    return made


def main(path: Path) -> None:
    """Writes the page where it differs, and names it."""
    text = openapi_page.render(document())
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
