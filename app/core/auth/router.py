"""The identity routes: login, who am I, accounts, the provider's webhook."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from pydantic import SecretStr

from app.core.auth import accounts, webhook
from app.core.auth.current import ADMIN_ERRORS, IDENTITY_ERRORS, ActingRole, Admin, CurrentUser
from app.core.auth.schemas import AccountIn, AccountOut, LoginToken
from app.core.auth.users import Role, User
from app.core.context import Context, context_of
from app.core.errors import NotFoundError, documented

LOGIN_PATH = "/api/v1/auth/login"
WEBHOOK_PATH = "/auth/webhook"
EVENT_SCHEMA = {
    "type": "object",
    "required": ["type", "data"],
    "example": {"type": "user.created", "data": {}},
}
router = APIRouter(tags=["auth"], responses=documented("ERR_1001", "ERR_1200", "ERR_1201"))
Live = Annotated[Context, Depends(context_of)]


def shown(user: User, role: Role) -> AccountOut:
    """The user as the routes show it."""
    return AccountOut.model_validate(user, from_attributes=True).model_copy(update={"role": role})


@router.post(LOGIN_PATH, responses=documented("ERR_1006", "ERR_1104"))
async def login(
    context: Live,
    response: Response,
    username: Annotated[str, Form(description="The account's e-mail")],
    password: Annotated[SecretStr, Form()],
) -> LoginToken:
    """A bearer token for a local account (the form of RFC 6749 §4.3.2)."""
    response.headers["Cache-Control"] = "no-store"
    return await accounts.login(context, username, password.get_secret_value())


@router.get("/auth/me", responses=documented(*IDENTITY_ERRORS))
async def me(user: CurrentUser, role: ActingRole) -> AccountOut:
    """Who the token speaks for."""
    return shown(user, role)


@router.post("/auth/users", status_code=201, responses=documented(*ADMIN_ERRORS, "ERR_1003", "ERR_1006"))
async def add_account(account: AccountIn, _: Admin, context: Live) -> AccountOut:
    """Makes a local account; for admins."""
    async with context.database.transaction() as session:
        user = await accounts.create_account(
            session, account.email, account.password.get_secret_value(), account.role
        )
    return shown(user, account.role)


@router.post(
    WEBHOOK_PATH,
    status_code=204,
    responses=documented("ERR_1002", "ERR_1105"),
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": EVENT_SCHEMA}}}
    },
)
async def receive_webhook(request: Request, context: Live) -> None:
    """An event of the identity provider, signed with CLERK_WEBHOOK_SECRET; 404 where that is not set."""
    secret = context.settings.clerk_webhook_secret.get_secret_value()
    if not secret:
        raise NotFoundError("Webhook", "auth")
    await webhook.receive(context.database, secret, await request.body(), request.headers)
