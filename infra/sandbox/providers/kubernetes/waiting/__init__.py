"""Waiting: until an object is ready, until it is gone; and what is wrong as soon as that is certain."""

from infra.sandbox.providers.kubernetes.waiting.deletion import until_gone
from infra.sandbox.providers.kubernetes.waiting.loop import Wait
from infra.sandbox.providers.kubernetes.waiting.readiness import not_ready, until_ready

__all__ = ["Wait", "not_ready", "until_gone", "until_ready"]
