"""The actions that the workflows use, each by the commit that its version is.

Source: acidghost/actions-latest and michael-k/quarantined-actions, which list the owners' own tags with their
commits; pulumi/actions and anchore/scan-action from several public workflows that name both. All of them run
on Node.js 24. To move to another version: change commit and version together.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class Pin:
    """``owner/name`` at a commit (40 hex digits), which is the version's."""

    name: str
    commit: str
    version: str

    @property
    def reference(self) -> str:
        """What stands after ``uses:``."""
        return f"{self.name}@{self.commit}"


class Action(Enum):
    """Which action does a step use?"""

    CHECKOUT = Pin("actions/checkout", "de0fac2e4500dabe0009e67214ff5f5447ce83dd", "v6.0.2")
    PYTHON = Pin("actions/setup-python", "a309ff8b426b58ec0e2a45f0f869d46889d02405", "v6.2.0")
    CACHE = Pin("actions/cache", "55cc8345863c7cc4c66a329aec7e433d2d1c52a9", "v6.1.0")
    UPLOAD = Pin("actions/upload-artifact", "043fb46d1a93c77aae656e7c1c64a875d1fc6a0a", "v7.0.1")
    DOWNLOAD = Pin("actions/download-artifact", "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "v8.0.1")
    ATTEST = Pin("actions/attest-build-provenance", "a2bbfa25375fe432b6a289bc6b6cd05ecd0c4c32", "v4.1.0")
    BUILDX = Pin("docker/setup-buildx-action", "4d04d5d9486b7bd6fa91e7baf45bbb4f8b9deedd", "v4.0.0")
    BUILD = Pin("docker/build-push-action", "d08e5c354a6adb9ed34480a06d141179aa583294", "v7.0.0")
    SCAN = Pin("anchore/scan-action", "e1165082ffb1fe366ebaf02d8526e7c4989ea9d2", "v7.4.0")
    PULUMI = Pin("pulumi/actions", "8e5e406f4007fca908480587cb9893c07090f58d", "v7.0.0")
    AWS = Pin("aws-actions/configure-aws-credentials", "8df5847569e6427dd6c4fb1cf565c83acfa8afa7", "v6.0.0")
    GCP = Pin("google-github-actions/auth", "7c6bc770dae815cd3e89ee6cdf493a5fab2cc093", "v3.0.0")
    GKE = Pin(
        "google-github-actions/get-gke-credentials", "3da1e46a907576cefaa90c484278bb5b259dd395", "v3.0.0"
    )


VERSIONS = {action.value.reference: action.value.version for action in Action}
