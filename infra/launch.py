"""What `slipway up` does: tools, images and cluster overlapped on this machine, then Pulumi's own `up`."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

from infra import stack as stacks
from infra.images import Image
from infra.progress import Progress
from infra.sandbox import cluster, images, tools
from infra.sandbox.children import workers
from infra.sandbox.config import SandboxConfig
from infra.sandbox.doctor import require_machine

STACK_IMAGES = (Image.POSTGRES, Image.REDIS, Image.SERVICE)


def launch(stack: str, progress: Progress) -> None:
    """Bring ``stack`` up. Raises UserError with every problem that the user can mend."""
    if stacks.is_sandbox(stack):
        prepare_sandbox(SandboxConfig(), progress)
    else:
        tools.require(tools.PULUMI_TOOLS)
    stacks.ensure_stack(stack, progress)
    stacks.up(stack, progress)


def prepare_sandbox(config: SandboxConfig, progress: Progress) -> None:
    """The cluster with every image on it. Pulumi is compiled while the cluster starts."""
    require_machine(config)
    with workers(4) as crew:
        cluster_tools = crew.start(tools.ensure, tools.CLUSTER_TOOLS, progress, stop=crew.stop)
        crew.start(images.ensure, STACK_IMAGES, config, progress, stop=crew.stop)
        crew.start(_start_cluster, cluster_tools, config, progress)
        crew.start(_build_pulumi, cluster_tools, progress, crew.stop)
        crew.finish()
    images.load(config, progress, STACK_IMAGES)


def _start_cluster(cluster_tools: Future[Any], config: SandboxConfig, progress: Progress) -> None:
    cluster_tools.result()
    cluster.up(config, progress)


def _build_pulumi(cluster_tools: Future[Any], progress: Progress, stop: threading.Event) -> None:
    cluster_tools.result()
    tools.ensure(tools.PULUMI_TOOLS, progress, stop=stop)


def remove(stack: str, progress: Progress, *, keep_data: bool) -> None:
    """Remove ``stack``. The sandbox goes with its cluster, so its resources need no deletion one by one."""
    if not stacks.is_sandbox(stack):
        stacks.destroy(stack, progress)
        return
    cluster.down(SandboxConfig(), progress, keep_data=keep_data)
    if not keep_data:
        stacks.forget(stack)
