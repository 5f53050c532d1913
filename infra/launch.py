"""What `slipway up` and `down` do: tools, images and cluster of this machine around Pulumi's own verbs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from infra import stack as stacks
from infra.engine import local_state
from infra.errors import EXIT_USAGE, UserError
from infra.images import Image
from infra.names import SANDBOX
from infra.progress import Progress
from infra.releases import housekeeping
from infra.sandbox import cluster, images, parts, tools
from infra.sandbox.children import workers
from infra.sandbox.config import DEFAULT_NAME, PodNetwork, SandboxConfig
from infra.sandbox.doctor import require_machine
from infra.settings import layers
from infra.settings.layers import stack_file

STACK_IMAGES = (Image.POSTGRES, Image.REDIS, Image.SERVICE)
BACKUP_IMAGES = (Image.BACKUPS,)
LOG_IMAGES = (Image.VICTORIA_LOGS, Image.VLAGENT)
REQUEST_IMAGES = (Image.PROMETHEUS_ADAPTER,)
METER_IMAGES = (Image.MONITORING, Image.KUBE_STATE_METRICS)


def launch(stack: str, progress: Progress, gate: Callable[[], None] | None = None) -> None:
    """Bring ``stack`` up. Raises UserError with every problem that the user can mend.

    gate: called when all is ready and nothing of the stack is changed yet; whatever it raises stops the run.
    """
    stacks.require_sound(stack)
    if stacks.is_sandbox(stack):
        prepare_sandbox(stacks.cluster(stack), progress, images_of(stack))
    else:
        tools.require(tools.PULUMI_TOOLS)
    stacks.ensure_stack(stack, progress)
    if gate:
        gate()  # what was reviewed is what is applied: nothing of the file changes now
    else:
        housekeeping.end_kept(stack, progress)
    stacks.up(stack, progress)


def images_of(stack: str) -> tuple[Image, ...]:
    """What the stack's pods run; images of backups, monitoring and logs are built for those stacks only
    that have them."""
    draft = layers.draft(stack)
    sometimes = {"backups": BACKUP_IMAGES, "monitoring": METER_IMAGES, "logs": LOG_IMAGES}
    more = [image for part, of in sometimes.items() if draft[part].get("enabled") is True for image in of]
    return (*STACK_IMAGES, *more, *(REQUEST_IMAGES if _by_requests(draft) else ()))


def _by_requests(draft: Mapping[str, Any]) -> bool:
    scaling = draft["service"].get("autoscaling")
    counted = isinstance(scaling, dict) and scaling.get("requests_per_second") is not None
    return counted and scaling.get("enabled") is True


def prepare_sandbox(config: SandboxConfig, progress: Progress, wanted: Sequence[Image]) -> None:
    """The cluster with every image on it. Pulumi is compiled while the cluster starts."""
    require_machine(config)
    with workers(4) as crew:
        cluster_tools = crew.start(build_cluster, config, progress, crew.stop)
        crew.start(images.ensure, wanted, config, progress, stop=crew.stop)
        crew.start(_start_cluster, cluster_tools, config, progress)
        crew.start(_build_pulumi, cluster_tools, progress, crew.stop)
        crew.finish()
    images.load(config, progress, wanted)


def build_cluster(config: SandboxConfig, progress: Progress, stop: threading.Event | None = None) -> None:
    """What the cluster runs, as far as it is not there. Raises UserError."""
    tools.ensure(tools.CLUSTER_TOOLS, progress, stop=stop)
    if config.pods is PodNetwork.CILIUM:
        tools.ensure(tools.POLICY_TOOLS, progress, stop=stop, use_path=False)
    if config.metrics:
        tools.ensure(tools.USE_TOOLS, progress, stop=stop)


def _start_cluster(cluster_tools: Future[Any], config: SandboxConfig, progress: Progress) -> None:
    cluster_tools.result()
    cluster.up(config, progress)


def _build_pulumi(cluster_tools: Future[Any], progress: Progress, stop: threading.Event) -> None:
    cluster_tools.result()
    tools.ensure(tools.PULUMI_TOOLS, progress, stop=stop)


def remove(stack: str, progress: Progress, *, keep_data: bool) -> None:
    """Remove ``stack``: the sandbox's own with its whole cluster, any other by ``pulumi destroy``.

    keep_data: the cluster's volumes outlive it, so that the next `up` has them again; for the sandbox only.
    """
    if stack == SANDBOX:
        remove_cluster(stacks.cluster(SANDBOX), progress, keep_data=keep_data)
        if not keep_data:
            local_state.forget(SANDBOX)  # also one that was made and never brought up
            housekeeping.forget(SANDBOX)
        return
    if keep_data:
        raise UserError.of(
            "--keep-data",
            f"keeps the volumes of a cluster that goes; those of stack {stack} go with its namespace",
            "to stop the whole sandbox and keep every stack's data: slipway down --keep-data",
            exit_code=EXIT_USAGE,
        )
    if stacks.is_sandbox(stack):
        _remove_from_sandbox(stack, progress)
    else:
        stacks.destroy(stack, progress)


def remove_cluster(config: SandboxConfig, progress: Progress, *, keep_data: bool) -> None:
    """The cluster goes as a whole, so nothing on it needs deletion one by one; its stacks' states follow."""
    found = local_state.stacks_on(config.kubeconfig)
    others = [name for name in found if name != SANDBOX]
    if others and keep_data:
        again = "; ".join(f"slipway up {name}" for name in others)
        progress.say("cluster", f"stops {', '.join(others)} too; with their data they come back with {again}")
    elif others:
        progress.say("cluster", f"takes every resource and all data of {', '.join(others)} with it")
    cluster.down(config, progress, keep_data=keep_data)
    if not keep_data:
        for name in found:
            local_state.forget(name)


def _remove_from_sandbox(stack: str, progress: Progress) -> None:
    config = stacks.cluster(stack)
    if not local_state.file(stack).is_file():
        progress.say("pulumi", f"stack {stack} is not on this machine")
        return
    if not config.kubeconfig.exists():
        progress.say("pulumi", f"the cluster {config.name} is gone, and {stack} with it")
        local_state.forget(stack)
        return
    if stack in local_state.stacks_on(config.kubeconfig):
        _require_running(stack, config)
        existed = stack_file(stack).is_file()
        stacks.destroy(stack, progress)
        if not existed:
            stack_file(stack).unlink(missing_ok=True)  # Pulumi writes one that holds nothing but a salt
    local_state.forget(stack)
    whole = "slipway down" if config == stacks.cluster(SANDBOX) else f"slipway sandbox down{_named(config)}"
    progress.say("cluster", f"{config.name} stays; to remove it too: {whole}")


def _require_running(stack: str, config: SandboxConfig) -> None:
    if parts.running(config, "kube-apiserver") is None:
        raise UserError.of(
            f"stack {stack}",
            f"is on the cluster {config.name}, which does not run",
            f"start it first: slipway sandbox up{_named(config)}",
        )


def _named(config: SandboxConfig) -> str:
    return "" if config.name == DEFAULT_NAME else f" --name {config.name}"
