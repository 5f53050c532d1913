"""What a stack's secrets are encrypted with: this machine's passphrase, the user's own, or a key service."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from infra import paths
from infra.errors import UserError
from infra.names import SANDBOX
from infra.settings import document
from infra.settings.layers import stack_file
from infra.settings.secrets import PASSPHRASE

SECRET_BYTES = 32
VALUE, FILE = "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"


def file() -> Path:
    """This machine's passphrase (mode 0600)."""
    return paths.state_dir() / "passphrase"


def provider(stack: str) -> str:
    """The stack's secrets provider as its file names it; ``passphrase`` where it names none."""
    own = stack_file(stack)
    named = document.read(own).data.get("secretsprovider") if own.is_file() else None
    return str(named or PASSPHRASE)


def variables(stack: str) -> dict[str, str]:
    """What Pulumi needs to read the stack's secrets, beside what the user has set.

    The sandbox's own stack always takes this machine's passphrase. Any other takes the user's
    (PULUMI_CONFIG_PASSPHRASE or …_FILE), else this machine's; with a key service it needs none.
    """
    given = VALUE in os.environ or os.environ.get(FILE)  # an empty passphrase is one too
    if stack != SANDBOX and (given or provider(stack) != PASSPHRASE):
        return {}
    return {FILE: str(file())}


def ready(stack: str) -> dict[str, str]:
    """``variables``, with this machine's passphrase made where it is needed and missing.

    Raises UserError where the stack's secrets were encrypted with one that this machine has lost.
    """
    found = variables(stack)
    if found and not file().exists():
        _refuse_lost(stack)
        _make()
    return found


def fresh() -> dict[str, str]:
    """``variables`` of a team's stack that is only now being made; a missing passphrase is made."""
    if VALUE in os.environ or os.environ.get(FILE):
        return {}
    if not file().exists():
        _make()
    return {FILE: str(file())}


def _refuse_lost(stack: str) -> None:
    """A stack file whose passphrase is lost can never be read again; a new passphrase would hide that."""
    own = stack_file(stack)
    if not own.is_file() or "encryptionsalt" not in document.read(own).data:
        return
    shown = document.display(own)
    remedy = f"put the passphrase back, or give the secrets up and begin anew: rm {shown}"
    if stack != SANDBOX:
        remedy = f"put the passphrase back, or set {FILE} to the file that holds it"
    raise UserError.of(
        shown, f"is encrypted with a passphrase that this machine has lost ({file()} does not exist)", remedy
    )


def _make() -> None:
    """Made once, whole or not at all, readable by nobody else."""
    final = file()
    final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = final.with_name(f"{final.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secrets.token_urlsafe(SECRET_BYTES))
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(draft, final)
    except FileExistsError:
        return  # another run was first, and its passphrase is the one in use
    finally:
        draft.unlink()
