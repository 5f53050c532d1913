"""Section ``cluster``: which Kubernetes the stack goes to. Section ``namespace``: where in it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from infra import paths
from infra.settings.base import Section


class Cluster(Section):
    """Either the sandbox of this machine, or a named context of a kubeconfig. Never "the current context"."""

    sandbox: bool = Field(
        False, description="true: the sandbox cluster of this machine; only for trying things out."
    )
    name: str = Field(
        "slipway",
        pattern=r"^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$",
        description="Name of the sandbox cluster.",
        examples=["slipway"],
    )
    network: int = Field(
        0,
        ge=0,
        le=9,
        description="Number of the sandbox's address ranges, so that several can stand side by side.",
    )
    kubeconfig: str | None = Field(
        None,
        min_length=1,
        description="Path of the kubeconfig; without it $KUBECONFIG or ~/.kube/config.",
        examples=["~/.kube/ledger"],
    )
    context: str | None = Field(
        None,
        min_length=1,
        description="Context in the kubeconfig; must be named, so that nothing lands elsewhere.",
        examples=["ledger-prod"],
    )

    priority_classes: bool = Field(
        True,
        description="Whether the stack makes two PriorityClasses: where a node is full, its databases go "
        "first and then its service; false where nobody may make them.",
    )

    @property
    def kubeconfig_path(self) -> str | None:
        """Where the provider reads the kubeconfig; None leaves it to kubectl's own rules."""
        if self.sandbox:
            return str(paths.state_dir() / "sandbox" / self.name / "kubeconfig")
        if self.kubeconfig and self.kubeconfig.startswith("~/"):
            return str(Path.home() / self.kubeconfig[2:])
        return self.kubeconfig  # not expanduser(): it raises where ~name is nobody's home


class Namespace(Section):
    """The stack's own namespace; nothing else lives in it."""

    name: str | None = Field(
        None,
        pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
        description="Kubernetes namespace; the stack's name by default.",
        examples=["ledger-dev"],
    )
    protected: bool = Field(
        False, description="Whether Pulumi refuses to delete the namespace, and with it every volume."
    )
