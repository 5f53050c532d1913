"""What `slipway up` does: tools, images and cluster overlapped on this machine, then Pulumi's own `up`."""

from __future__ import annotations

from concurrent.futures import Future

from infra import stack as stacks
from infra.images import Image
from infra.progress import Progress
from infra.sandbox import cluster, images, tools
from infra.sandbox.children import workers
from infra.sandbox.config import SandboxConfig
from infra.sandbox.doctor import require_machine

CLUSTER_TOOLS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
    "coredns",
    "pause",
)
PULUMI_TOOLS = ("pulumi", "pulumi-language-python")
NODE_IMAGES = (Image.PAUSE, Image.COREDNS)
STACK_IMAGES = (Image.POSTGRES, Image.REDIS, Image.SERVICE)


def launch(stack: str, progress: Progress) -> None:
    """Bring ``stack`` up. Raises UserError with every problem that the user can mend."""
    if stacks.is_sandbox(stack):
        prepare_sandbox(SandboxConfig(), progress)
    else:
        tools.require(PULUMI_TOOLS)
    stacks.ensure_stack(stack, progress)
    stacks.up(stack, progress)


def prepare_sandbox(config: SandboxConfig, progress: Progress) -> None:
    """The cluster with every image on it. Pulumi is compiled while the cluster starts."""
    require_machine(config)
    with workers(3) as crew:
        cluster_tools = crew.start(tools.ensure, CLUSTER_TOOLS, progress)
        crew.start(images.ensure, STACK_IMAGES, config, progress)
        crew.start(_start_cluster, cluster_tools, config, progress)
        crew.start(_after, cluster_tools, progress)
        crew.finish()
    images.load(config, progress)


def _start_cluster(cluster_tools: Future[object], config: SandboxConfig, progress: Progress) -> None:
    cluster_tools.result()
    images.ensure(NODE_IMAGES, config, progress)
    cluster.up(config, progress)


def _after(cluster_tools: Future[object], progress: Progress) -> None:
    cluster_tools.result()
    tools.ensure(PULUMI_TOOLS, progress)


def remove(stack: str, progress: Progress, *, keep_data: bool) -> None:
    """Remove ``stack``. The sandbox goes with its cluster, so its resources need no deletion one by one."""
    if not stacks.is_sandbox(stack):
        stacks.destroy(stack, progress)
        return
    cluster.down(SandboxConfig(), progress, keep_data=keep_data)
    if not keep_data:
        stacks.forget(stack)
