"""The ``pulumi.com/…`` annotations and per-resource settings that steer one operation."""

from __future__ import annotations

from infra.sandbox.providers.shared.values import Object, dig

DEFAULT_SECONDS = 600.0  # the official provider's default


def annotation(obj: Object, name: str) -> str:
    """The value of ``pulumi.com/<name>``; empty if it is not there."""
    return str((dig(obj, "metadata.annotations") or {}).get(f"pulumi.com/{name}", ""))


def skips_waiting(obj: Object) -> bool:
    """Whether the program asked not to wait for the object."""
    return annotation(obj, "skipAwait") == "true"


def forces_conflicts(obj: Object) -> bool:
    """Whether the program asked to take fields from other managers."""
    return annotation(obj, "patchForce") == "true"


def seconds_allowed(obj: Object, custom_timeout: float) -> float:
    """customTimeouts first, then the annotation, then the default."""
    given = annotation(obj, "timeoutSeconds")
    return custom_timeout or (float(given) if given.replace(".", "", 1).isdigit() else 0.0) or DEFAULT_SECONDS


def deletion_propagation(obj: Object) -> str:
    """Foreground unless ``pulumi.com/deletionPropagationPolicy`` says background or orphan."""
    asked = annotation(obj, "deletionPropagationPolicy").capitalize()
    return asked if asked in {"Background", "Orphan"} else "Foreground"
