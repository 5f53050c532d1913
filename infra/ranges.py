"""Which networks a stack's cluster has: the sandbox's are known, another's are what its settings say."""

from __future__ import annotations

from infra.render.network.peers import Ranges
from infra.sandbox.config import API_PORT, DNS_PORT, SandboxConfig
from infra.settings.model import Settings


def of(settings: Settings) -> Ranges:
    """The networks of pods and nodes, and the ports of name servers and API server."""
    cluster, network = settings.cluster, settings.network
    if not cluster.sandbox:
        return Ranges(network.pod_networks, network.node_networks, api=network.api_ports)
    config = SandboxConfig(cluster.name, cluster.network)
    return Ranges(
        pods=(config.pod_cidr, config.service_cidr),
        nodes=(f"{config.node_address}/32",),
        clients_are_no_pods=True,  # kube-proxy gives them the node's address
        dns=(DNS_PORT,),
        api=(API_PORT,),
        watched=True,
    )
