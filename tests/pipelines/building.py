"""``python -m tests.pipelines.building DOCKERFILE``: the service's image by the sandbox's own builder."""

from __future__ import annotations

import sys

from infra.images import RECIPES, Image, local_reference
from infra.progress import Progress
from infra.sandbox import images
from infra.sandbox.config import SandboxConfig


def main(dockerfile: str) -> None:
    """Builds what is not there yet, and prints the image's name."""
    recipe = RECIPES[Image.SERVICE]
    if recipe.dockerfile != dockerfile:
        raise SystemExit(f"{dockerfile} is not the service's: {recipe.dockerfile}")
    nowhere = SandboxConfig("pipelines")  # a cluster that there is not: the image itself is wanted
    images.ensure([Image.SERVICE], nowhere, Progress())
    print(local_reference(Image.SERVICE))


if __name__ == "__main__":
    main(sys.argv[1])
