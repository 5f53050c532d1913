"""JSON bodies whose numbers keep every digit: a float would round them before anybody could refuse them."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


class Written(float):
    """A number of a JSON body, and ``text``, as it was written. Whoever needs no more takes the float."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Written:
        """Of JSON's own notation."""
        made = super().__new__(cls, text)
        made.text = text
        return made


class ExactRequest(Request):
    """A request whose JSON numbers are ``Written``."""

    async def json(self) -> Any:
        return json.loads(await self.body(), parse_float=Written)


class ExactRoute(APIRoute):
    """The route class of routers that take money or weights."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As FastAPI's, with ``Written`` where a body has a number with a point or an exponent."""
        handle = super().get_route_handler()

        async def exact(request: Request) -> Response:
            return await handle(ExactRequest(request.scope, request.receive))

        return exact
