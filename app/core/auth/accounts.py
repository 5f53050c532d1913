"""Local accounts: made by an admin, logged in with a password."""

from __future__ import annotations

import uuid

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import passwords
from app.core.auth.errors import WrongPasswordError
from app.core.auth.schemas import LoginToken
from app.core.auth.tokens import login_token
from app.core.auth.users import LOCAL_ONLY, LOCAL_PREFIX, Identity, Role, User, account_email
from app.core.context import Context
from app.core.errors import ConflictError
from app.core.logs import logger

log = logger(__name__)


async def create_account(session: AsyncSession, email: str, password: str, role: Role) -> User:
    """A new account. Raises ValueError for an e-mail or password that cannot be, ConflictError where the
    e-mail has an account."""
    values = {
        "clerk_user_id": f"{LOCAL_PREFIX}{uuid.uuid4().hex}",
        "email": account_email(email),
        "password_hash": await passwords.hashed(passwords.acceptable(password)),
        "role": role.value,
    }
    added = insert(User).values(values).on_conflict_do_nothing().returning(User)
    made = await session.scalar(added)
    if made is None:
        raise ConflictError("An account with this e-mail exists")
    log.info("account made", user_id=str(made.id), role=role.value)
    return made


async def disable_account(session: AsyncSession, email: str) -> bool:
    """No login and no token of this account counts from now on. False where there is no such account."""
    chosen = (User.email == account_email(email)) & LOCAL_ONLY
    done = update(User).where(chosen).values(disabled_at=func.now()).returning(User.id)
    return await session.scalar(done) is not None


async def login(context: Context, username: str, password: str) -> LoginToken:
    """A token for the account. Raises WrongPasswordError, in the same time whether or not there is one."""
    user = await _account(context, username)
    try:
        given = passwords.acceptable(password)
    except ValueError:
        raise WrongPasswordError from None
    if not await passwords.matches(user.password_hash if user else None, given) or user is None:
        raise WrongPasswordError
    identity = Identity(user.clerk_user_id, user.email, Role(user.role))
    seconds = context.settings.login_token_seconds
    return LoginToken(access_token=login_token(context.settings, identity), expires_in=seconds)


async def _account(context: Context, username: str) -> User | None:
    try:
        email = account_email(username)
    except ValueError:
        return None
    async with context.database.reading() as session:
        found = select(User).where(User.email == email, LOCAL_ONLY, User.disabled_at.is_(None))
        return await session.scalar(found)
