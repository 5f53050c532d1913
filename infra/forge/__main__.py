"""``python3 -m infra.forge comment | issue``: in a job, whose variables say where and as whom."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from infra.errors import EXIT_USAGE, UserError
from infra.forge import writing
from infra.forge.forge import Forge
from infra.forge.github import GitHub
from infra.forge.gitlab import GitLab


def parser() -> argparse.ArgumentParser:
    """The two verbs."""
    whole = argparse.ArgumentParser(prog="python3 -m infra.forge", description=__doc__)
    verbs = whole.add_subparsers(dest="verb", required=True)
    comment = verbs.add_parser("comment", help="the pull request's one comment about something")
    comment.add_argument("about", help="what finds it again")
    comment.add_argument("files", nargs="+", type=Path, help="its parts; empty ones are left out")
    issue = verbs.add_parser("issue", help="the one open issue about something; none for an empty file")
    issue.add_argument("about", help="what finds it again")
    issue.add_argument("title")
    issue.add_argument("file", type=Path)
    return whole


def forge() -> Forge:
    """The server whose job this is. Raises UserError in none."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return GitHub(os.environ)
    if os.environ.get("GITLAB_CI") == "true":
        return GitLab(os.environ)
    what = "this is no job of GitHub Actions or GitLab CI"
    raise UserError.of("infra.forge", what, "run it in a pipeline", exit_code=EXIT_USAGE)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise UserError.of(str(path), what, "name a file that the job made", exit_code=EXIT_USAGE) from None


def main() -> int:
    """The exit code."""
    given = parser().parse_args()
    try:
        if given.verb == "comment":
            parts = {str(path): _text(path) for path in given.files}
            done = writing.comment(forge(), given.about, parts)
        else:
            done = writing.issue(forge(), given.about, given.title, _text(given.file))
    except UserError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{given.about}: {done}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
