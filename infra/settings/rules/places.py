"""Rules on where a stack goes and what it may do there."""

from __future__ import annotations

from collections.abc import Iterator

from infra.settings.config import StackConfig
from infra.settings.images import Catalogue
from infra.settings.ingress import IngressKind
from infra.settings.modules import BUNDLED
from infra.settings.rules.finding import Finding
from infra.settings.service import Mode, ServiceType
from infra.settings.stack import Environment


def cluster_is_named(settings: StackConfig) -> Iterator[Finding]:
    """The context is named, so that nothing lands on whatever cluster happens to be current."""
    cluster = settings.cluster
    if not cluster.sandbox and not cluster.context:
        yield Finding(
            ("cluster", "context"),
            "is missing, and cluster.sandbox is false",
            "name the kubeconfig context this stack goes to (kubectl config get-contexts lists them)",
        )
    if cluster.sandbox and cluster.context:
        yield Finding(
            ("cluster", "context"),
            f"{cluster.context!r} contradicts cluster.sandbox: true",
            "keep one of the two",
        )


def production_stays_out_of_the_sandbox(settings: StackConfig) -> Iterator[Finding]:
    """The sandbox is one machine for trying things out."""
    if settings.cluster.sandbox and settings.stack.environment is Environment.PROD:
        yield Finding(
            ("cluster", "sandbox"),
            f"true, and {settings.stack} is a production stack",
            "name a context of a real cluster: cluster.context",
        )


def namespace_is_the_stacks_own(settings: StackConfig) -> Iterator[Finding]:
    """Kubernetes keeps kube-* for itself, and default is everybody's: neither may be removed with a stack."""
    name = settings.namespace_name
    if name == "default" or name.startswith("kube-"):
        whose = "everybody's" if name == "default" else "kept for Kubernetes itself (kube-*)"
        own = str(settings.stack)
        known = "" if own.startswith("kube-") else f", for example {own}"
        yield Finding(
            ("namespace", "name"),
            f"{name} is {whose}, and the stack's namespace is its own",
            f"use another name{known}",
        )


def sandbox_images_stay_in_the_sandbox(settings: StackConfig) -> Iterator[Finding]:
    """Images built here exist on this machine only."""
    if settings.images.catalogue is Catalogue.SANDBOX and not settings.cluster.sandbox:
        yield Finding(
            ("images", "catalogue"),
            "sandbox, and cluster.sandbox is false: those images exist on this machine only",
            "use catalogue: public",
        )


def service_image_is_named(settings: StackConfig) -> Iterator[Finding]:
    """The public catalogue has PostgreSQL and Redis, and no image of a team's service."""
    if settings.images.catalogue is Catalogue.PUBLIC and not settings.images.service:
        yield Finding(
            ("images", "service"),
            "is missing, and the public catalogue has no image of the service",
            "push the service's image to your registry and name it here with its tag",
        )


def node_port_has_its_type(settings: StackConfig) -> Iterator[Finding]:
    """A node port without its type would be ignored."""
    service = settings.service
    if service.node_port is not None and service.type is not ServiceType.NODE_PORT:
        yield Finding(
            ("service", "node_port"),
            f"{service.node_port} is set, and service.type is {service.type}",
            "use type: NodePort, or leave node_port out",
        )


def development_stays_in_development(settings: StackConfig) -> Iterator[Finding]:
    """Development mode accepts a token that stands for any user."""
    allowed = {Environment.DEV, Environment.SANDBOX}
    if settings.service.environment is Mode.DEVELOPMENT and settings.stack.environment not in allowed:
        yield Finding(
            ("service", "environment"),
            f"development accepts a development token, and {settings.stack} is a "
            f"{settings.stack.environment} stack",
            "use staging or production",
        )


def bundled_service_has_the_modules(settings: StackConfig) -> Iterator[Finding]:
    """The service built here has the modules of this version; an image of the team's own may have others."""
    missing = [module for module in settings.modules if module not in BUNDLED]
    if settings.images.catalogue is Catalogue.SANDBOX and not settings.images.service and missing:
        yield Finding(
            ("modules",),
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not in the service that is built "
            f"here (images.catalogue: sandbox); it has {', '.join(sorted(BUNDLED))}",
            "take the module out, or name an image that has it: images.service",
            also=(("images", "catalogue"),),
        )


def modules_stand_once(settings: StackConfig) -> Iterator[Finding]:
    """A module twice in the list would be switched on twice."""
    for module in dict.fromkeys(settings.modules):
        if settings.modules.count(module) > 1:
            yield Finding(("modules",), f"{module} stands twice", "name each module once")


def hosts_stand_once(settings: StackConfig) -> Iterator[Finding]:
    """A host twice in the list would be two rules for one name."""
    for host in dict.fromkeys(settings.ingress.hosts):
        if settings.ingress.hosts.count(host) > 1:
            yield Finding(("ingress", "hosts"), f"{host} stands twice", "name each host once")


def sandbox_has_no_outside(settings: StackConfig) -> Iterator[Finding]:
    """The sandbox cluster lacks an ingress controller."""
    ingress = settings.ingress
    outside = ingress.kind is IngressKind.NGINX  # of the cluster
    if settings.cluster.sandbox and ingress.hosts and not outside:
        yield Finding(
            ("ingress", "hosts"),
            f"{', '.join(ingress.hosts)} is set, and the sandbox has no ingress controller",
            "leave hosts out here; service.type: NodePort reaches the service from this machine",
        )


def certificate_has_one_source(settings: StackConfig) -> Iterator[Finding]:
    """TLS from a Secret or from cert-manager; production never without."""
    ingress = settings.ingress
    if ingress.tls_secret and ingress.cluster_issuer:
        yield Finding(
            ("ingress", "tls_secret"),
            f"tls_secret {ingress.tls_secret} and cluster_issuer {ingress.cluster_issuer} are both set",
            "keep one of the two",
            also=(("ingress", "cluster_issuer"),),
        )
    if ingress.hosts and not ingress.encrypted and settings.stack.environment is Environment.PROD:
        named = (
            "ingress.gateway.https_listener"
            if ingress.shared
            else "ingress.cluster_issuer or ingress.tls_secret"
        )
        yield Finding(
            ("ingress", "hosts"),
            f"{', '.join(ingress.hosts)} would be served without TLS, and {settings.stack} is a prod stack",
            f"name the certificate: {named}",
        )


def public_origins_are_encrypted(settings: StackConfig) -> Iterator[Finding]:
    """A page loaded over plain HTTP can be changed on its way; production calls come from https only."""
    plain = [origin for origin in settings.service.allowed_origins if origin.startswith("http://")]
    if plain and settings.service.environment is Mode.PRODUCTION:
        yield Finding(
            ("service", "allowed_origins"),
            f"{', '.join(plain)} is not https, and service.environment is production",
            "use https, or take the origin out",
        )
