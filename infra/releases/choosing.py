"""Which image is released: named, built of a revision, or what the stack's catalogue says now."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra import images as catalogue
from infra import stack as stacks
from infra.errors import EXIT_USAGE, UserError
from infra.images import Image
from infra.paths import ROOT
from infra.progress import Progress
from infra.sandbox import images
from infra.settings import check
from infra.settings.images import REFERENCE, Catalogue

LOCAL = "localhost/"  # images that a sandbox has and no registry


def image(stack: str, named: str | None, revision: str | None, progress: Progress) -> str:
    """Its reference; in a sandbox the image is there afterwards. Raises UserError."""
    if named and revision:
        raise UserError.of("--git", "stands beside --image", "name one of them", exit_code=EXIT_USAGE)
    settings = check.load(stack)
    if named:
        return _named(stack, named)
    built_here = settings.images.catalogue is Catalogue.SANDBOX and not settings.images.service
    if revision:
        with _tree(revision) as (commit, root):
            return _built(stack, progress, root) if built_here else _of_commit(stack, commit)
    if built_here:
        return _built(stack, progress, ROOT)
    if settings.images.service is None:
        what = "is not set, and no image is named"
        raise UserError.of("slipway:images.service", what, f"slipway release {stack} --image REFERENCE")
    return settings.images.service


def _named(stack: str, reference: str) -> str:
    if not re.fullmatch(REFERENCE, reference):
        what = "is no image reference with a tag or digest"
        remedy = "name it whole: registry.example/team/service:1.4.2"
        raise UserError.of(f"--image {reference}", what, remedy, exit_code=EXIT_USAGE)
    if reference.startswith(LOCAL) and stacks.is_sandbox(stack):
        there = images.present(stacks.cluster(stack))
        if reference not in there:
            name = reference.rpartition(":")[0]
            known = ", ".join(sorted(item for item in there if item.startswith(f"{name}:"))) or "none"
            remedy = f"there are: {known}; or build one: slipway release {stack} --git REVISION"
            raise UserError.of(f"--image {reference}", "is not in the sandbox", remedy)
    return reference


def _of_commit(stack: str, commit: str) -> str:
    """As the pipeline tags what it builds: the repository that the stack names, and the commit."""
    now = check.load(stack).images.service
    if now is None:
        what = "is not set: which repository holds the images is not known"
        raise UserError.of("slipway:images.service", what, f"slipway release {stack} --image REFERENCE")
    repository = now.partition("@")[0]
    slash = repository.rfind("/")
    return f"{repository[: slash + 1]}{repository[slash + 1 :].partition(':')[0]}:{commit}"


def _built(stack: str, progress: Progress, root: Path) -> str:
    config = stacks.cluster(stack)
    images.ensure([Image.SERVICE], config, progress, root=root)
    images.load(config, progress, [Image.SERVICE], root)
    return catalogue.reference(Image.SERVICE, catalogue.Catalogue.SANDBOX, root)


@contextmanager
def _tree(revision: str) -> Iterator[tuple[str, Path]]:
    """The commit and its files. Raises UserError where git does not know the revision."""
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        remedy = "name a commit, a branch or a tag: git log --oneline"
        raise UserError.of(f"--git {revision}", f"is no revision of {ROOT}", remedy, exit_code=EXIT_USAGE)
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        archive = Path(folder) / "tree.tar"
        _git("archive", "--output", str(archive), commit)
        tree = Path(folder) / "tree"
        tree.mkdir()
        subprocess.run(["tar", "--extract", "--file", archive, "--directory", tree], check=True)
        yield commit, tree


def _git(*arguments: str) -> str | None:
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None
