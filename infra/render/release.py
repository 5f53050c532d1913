"""Which Deployments of the service a stack has: one, or two colours of which one has the traffic."""

from __future__ import annotations

from dataclasses import dataclass

from infra import names
from infra.render import service
from infra.settings.model import Settings
from infra.settings.release import Colour, Release

COLOUR_LABEL = "slipway.dev/colour"
CANDIDATE = "service-candidate"  # the Kubernetes Service by which the checks reach it
HTTP_PORT = 80  # of every Service that leads to its pods
CANDIDATE_PART = "service-candidate"  # its figures: no user has to do with it yet
CHECKS = "checks"
SPARE_SECONDS = 30  # starting Python, and the last answers


@dataclass(frozen=True)
class Variant:
    """One Deployment. ``colour`` is None where pods are replaced one by one; ``traffic``: the Service leads
    to it; ``tried``: it is checked before it may have any."""

    colour: Colour | None
    image: str
    traffic: bool = True
    tried: bool = False

    @property
    def version(self) -> str:
        """The image's tag or the beginning of its digest."""
        return names.version_of(self.image)

    @property
    def labels(self) -> dict[str, str]:
        """What its pods have beside those of every pod of the service."""
        return {COLOUR_LABEL: self.colour.value} if self.colour else {}

    def part(self, name: str) -> str:
        """The name of one of its parts: ``deployment``, or ``blue-deployment``."""
        return names.child(self.colour.value, name) if self.colour else name

    def named(self, component: str) -> str:
        """The Deployment's own name: ``service``, or ``service-blue``."""
        return names.child(component, self.colour.value) if self.colour else component


def variants(settings: Settings, image: str) -> tuple[Variant, ...]:
    """First the one that has the traffic. ``image``: what runs where nothing was released yet."""
    released = settings.released
    active = released.image or image
    if not settings.service.blue_green:
        return (Variant(None, active),)
    beside = released.candidate or released.previous
    first = Variant(released.active, active)
    if beside is None:
        return (first,)
    return first, Variant(released.active.other, beside, traffic=False, tried=released.candidate is not None)


def pods_service(colour: Colour | None, *, tried: bool = False) -> str:
    """The headless Service that finds each pod, by whose name Prometheus knows what they are."""
    kind = CANDIDATE_PART if tried else "service"
    return f"{kind}-{colour}-pods" if colour else f"{kind}-pods"


def pods_services(settings: Settings, *, tried: bool = False) -> tuple[str, ...]:
    """All that there may be at one time or another: those of a candidate, or of what has or had traffic."""
    if not settings.service.blue_green:
        return () if tried else (pods_service(None),)
    return tuple(pods_service(colour, tried=tried) for colour in Colour)


def checks_command(settings: Settings) -> tuple[str, ...]:
    """The service's own checks (``python -m app.smoke --help``), against the candidate."""
    release = settings.service.release
    return (
        *(*service.SMOKE_COMMAND, f"http://{CANDIDATE}.{settings.namespace_name}.svc:{HTTP_PORT}"),
        *("--within", str(release.checks_seconds)),
        *("--seconds", str(release.soak_seconds), "--checks-per-second", str(release.checks_per_second)),
        *("--max-error-percent", str(release.max_error_percent)),
    )


def checks_limit(release: Release) -> int:
    """Seconds after which the checks count as failed: a slow candidate may take the soak's time twice."""
    return release.checks_seconds + 2 * release.soak_seconds + SPARE_SECONDS
