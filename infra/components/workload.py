"""Pods that are secure by default: the restricted Pod Security profile and a read-only root."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes import core, meta

from infra.settings.base import Resources

PORT_NAME_CHARS = 15  # RFC 6335, 5.1
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"  # where every client in a pod looks
ROOT = 0  # only where a node's files are read, which are root's (docs/decisions/0024)
TOKEN_SECONDS = 3600  # the kubelet renews it before


@dataclass(frozen=True)
class Mount:
    """One volume and where the container sees it."""

    volume: core.v1.VolumeArgs
    path: str
    read_only: bool = True

    @property
    def name(self) -> str:
        """The volume's name inside the pod."""
        return str(self.volume.name)

    @classmethod
    def config_map(cls, name: str, source: pulumi.Input[str], path: str) -> Mount:
        """Files of a ConfigMap, readable and never writable."""
        return cls(
            core.v1.VolumeArgs(name=name, config_map=core.v1.ConfigMapVolumeSourceArgs(name=source)), path
        )

    @classmethod
    def secret(cls, name: str, source: pulumi.Input[str], path: str) -> Mount:
        """Files of a Secret for the container's own user and group: 0440, in memory."""
        volume = core.v1.SecretVolumeSourceArgs(secret_name=source, default_mode=0o440)
        return cls(core.v1.VolumeArgs(name=name, secret=volume), path)

    @classmethod
    def claim(cls, name: str, claim: str, path: str) -> Mount:
        """A volume that another object has claimed, for a pod that takes its turn with it."""
        source = core.v1.PersistentVolumeClaimVolumeSourceArgs(claim_name=claim)
        return cls(core.v1.VolumeArgs(name=name, persistent_volume_claim=source), path, read_only=False)

    @classmethod
    def host(cls, name: str, path: str, *, read_only: bool = True) -> Mount:
        """A folder of the node, at the same path; one that is written to is made where it is missing."""
        kind = "Directory" if read_only else "DirectoryOrCreate"
        source = core.v1.HostPathVolumeSourceArgs(path=path, type=kind)
        return cls(core.v1.VolumeArgs(name=name, host_path=source), path, read_only)

    @classmethod
    def account(cls, *, namespace: bool = False) -> Mount:
        """The token of the pod's service account and the API server's authority, for this container alone;
        and the pod's ``namespace``, for a program that looks there."""
        token = core.v1.ServiceAccountTokenProjectionArgs(path="token", expiration_seconds=TOKEN_SECONDS)
        file = core.v1.KeyToPathArgs(key="ca.crt", path="ca.crt")
        authority = core.v1.ConfigMapProjectionArgs(name="kube-root-ca.crt", items=[file])
        sources = [
            core.v1.VolumeProjectionArgs(service_account_token=token),
            core.v1.VolumeProjectionArgs(config_map=authority),
        ]
        if namespace:
            field_ref = core.v1.ObjectFieldSelectorArgs(field_path="metadata.namespace")
            named = core.v1.DownwardAPIVolumeFileArgs(path="namespace", field_ref=field_ref)
            sources.append(
                core.v1.VolumeProjectionArgs(downward_api=core.v1.DownwardAPIProjectionArgs(items=[named]))
            )
        projected = core.v1.ProjectedVolumeSourceArgs(sources=sources)
        return cls(core.v1.VolumeArgs(name="account", projected=projected), ACCOUNT)

    @classmethod
    def scratch(cls, name: str, path: str, size: str, *, memory: bool = False) -> Mount:
        """An empty folder that goes with the pod; ``memory`` puts it into tmpfs."""
        source = core.v1.EmptyDirVolumeSourceArgs(size_limit=size, medium="Memory" if memory else None)
        return cls(core.v1.VolumeArgs(name=name, empty_dir=source), path, read_only=False)


@dataclass(frozen=True)
class Probes:
    """``startup`` decides how long starting may take; only ``liveness`` ever restarts a started container."""

    startup: core.v1.ProbeArgs
    readiness: core.v1.ProbeArgs
    liveness: core.v1.ProbeArgs


@dataclass(frozen=True)
class Container:
    """A container. ``user`` is uid and gid; ``claim`` names a volume claim and its path; ``claim_read_only``:
    it only looks at what another container of the pod keeps there."""

    name: str
    image: str
    user: int
    resources: Resources
    command: Sequence[str] = ()
    arguments: Sequence[str] = ()
    probes: Probes | None = None
    port: int | None = None
    mounts: Sequence[Mount] = ()
    claim: tuple[str, str] | None = None
    claim_read_only: bool = False
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    environment_from: Sequence[core.v1.EnvFromSourceArgs] = ()
    before_stop: Sequence[str] = ()


def pod_spec(
    container: Container,
    *,
    grace_seconds: int,
    restart: str | None = None,
    spread: Mapping[str, str] | None = None,
    beside: Sequence[Container] = (),
    account: pulumi.Input[str] | None = None,
    everywhere: bool = False,
    priority: pulumi.Input[str] | None = None,
) -> core.v1.PodSpecArgs:
    """A pod with its container, and others ``beside`` it of the same user; volumes of one name are one.
    ``spread``: labels of pods to keep on different nodes. ``account``: whose token a container may mount.
    ``everywhere``: also on nodes that keep pods away. ``priority``: its PriorityClass."""
    containers = (container, *beside)
    volumes = {mount.name: mount.volume for each in containers for mount in each.mounts}
    return core.v1.PodSpecArgs(
        automount_service_account_token=False,
        service_account_name=account,
        priority_class_name=priority,
        tolerations=[core.v1.TolerationArgs(operator="Exists")] if everywhere else None,
        enable_service_links=False,
        security_context=core.v1.PodSecurityContextArgs(
            run_as_non_root=container.user != ROOT,
            run_as_user=container.user,
            run_as_group=container.user,
            fs_group=container.user,
            # Always would make the data folder group-writable at every start, which PostgreSQL refuses.
            fs_group_change_policy="OnRootMismatch",
            seccomp_profile=core.v1.SeccompProfileArgs(type="RuntimeDefault"),
        ),
        termination_grace_period_seconds=grace_seconds,
        restart_policy=restart,
        topology_spread_constraints=[_spread(spread)] if spread else None,
        containers=[_container(each) for each in containers],
        volumes=list(volumes.values()),
    )


def _container(container: Container) -> core.v1.ContainerArgs:
    mounts = [
        core.v1.VolumeMountArgs(name=mount.name, mount_path=mount.path, read_only=mount.read_only or None)
        for mount in container.mounts
    ]
    if container.claim:
        name, path = container.claim
        read_only = container.claim_read_only or None
        mounts.append(core.v1.VolumeMountArgs(name=name, mount_path=path, read_only=read_only))
    probes, port = container.probes, container.port
    return core.v1.ContainerArgs(
        name=container.name,
        image=container.image,
        image_pull_policy="IfNotPresent",
        command=list(container.command) or None,
        args=list(container.arguments) or None,
        env=[core.v1.EnvVarArgs(name=key, value=value) for key, value in container.environment.items()]
        or None,
        env_from=list(container.environment_from) or None,
        ports=_ports(container.name, port) if port else None,
        startup_probe=probes.startup if probes else None,
        readiness_probe=probes.readiness if probes else None,
        liveness_probe=probes.liveness if probes else None,
        lifecycle=_before_stop(container.before_stop),
        resources=requirements(container.resources),
        security_context=core.v1.SecurityContextArgs(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            run_as_non_root=container.user != ROOT,
            capabilities=core.v1.CapabilitiesArgs(drop=["ALL"]),
        ),
        termination_message_policy="FallbackToLogsOnError",
        volume_mounts=mounts or None,
    )


def _ports(container: str, port: int) -> list[core.v1.ContainerPortArgs]:
    name = container[:PORT_NAME_CHARS].rstrip("-")
    return [core.v1.ContainerPortArgs(name=name, container_port=port)]


def _before_stop(command: Sequence[str]) -> core.v1.LifecycleArgs | None:
    if not command:
        return None
    action = core.v1.ExecActionArgs(command=list(command))
    return core.v1.LifecycleArgs(pre_stop=core.v1.LifecycleHandlerArgs(exec_=action))


def _spread(labels: Mapping[str, str]) -> core.v1.TopologySpreadConstraintArgs:
    """Soft: on one node the pods still run."""
    return core.v1.TopologySpreadConstraintArgs(
        max_skew=1,
        topology_key="kubernetes.io/hostname",
        when_unsatisfiable="ScheduleAnyway",
        label_selector=meta.v1.LabelSelectorArgs(match_labels=dict(labels)),
    )


def requirements(resources: Resources) -> core.v1.ResourceRequirementsArgs:
    """Requests and limits as Kubernetes takes them."""
    limits = {"memory": resources.memory_limit}
    if resources.cpu_limit:
        limits["cpu"] = resources.cpu_limit
    return core.v1.ResourceRequirementsArgs(
        requests={"cpu": resources.cpu_request, "memory": resources.memory_request}, limits=limits
    )


def exec_probe(command: Sequence[str], *, period: int, failures: int, timeout: int = 5) -> core.v1.ProbeArgs:
    """A probe by a command in the container; seconds and counts."""
    action = core.v1.ExecActionArgs(command=list(command))
    return core.v1.ProbeArgs(
        exec_=action, period_seconds=period, failure_threshold=failures, timeout_seconds=timeout
    )


Pace = tuple[int, int]  # seconds between two probes, and how many may fail


def http_probes(
    port: int,
    path: str,
    *,
    startup: Pace = (2, 60),
    readiness: Pace = (10, 3),
    liveness: Pace = (30, 4),
    alive: str | None = None,
    timeout: int = 5,
    tls: bool = False,
) -> Probes:
    """All three by a GET of ``path``, or of ``alive`` to see whether it hangs. The paces are those of what
    nobody waits for; a server that others ask names its own. ``timeout``: seconds."""

    def probe(page: str, pace: Pace) -> core.v1.ProbeArgs:
        return http_probe(page, port, period=pace[0], failures=pace[1], timeout=timeout, tls=tls)

    return Probes(probe(path, startup), probe(path, readiness), probe(alive or path, liveness))


def http_probe(
    path: str, port: int, *, period: int, failures: int, timeout: int, tls: bool = False
) -> core.v1.ProbeArgs:
    """A probe by a GET; seconds and counts. Over ``tls`` the kubelet takes any certificate."""
    action = core.v1.HTTPGetActionArgs(path=path, port=port, scheme="HTTPS" if tls else None)
    return core.v1.ProbeArgs(
        http_get=action, period_seconds=period, failure_threshold=failures, timeout_seconds=timeout
    )
