"""GitHub's REST API (version 2022-11-28): issue comments, which are those of pull requests, and issues."""

from __future__ import annotations

from collections.abc import Mapping

from infra.forge.api import Api
from infra.forge.forge import Note, variable

VERSION = "2022-11-28"
BOT = "github-actions[bot]"  # whose name GITHUB_TOKEN writes under
IN_A_JOB = "run it in a job of GitHub Actions, which sets it"
RIGHTS = "give the job pull-requests: write for a comment, issues: write for an issue"


class GitHub:
    """As the job's own GITHUB_TOKEN. PULL_REQUEST is the number, for comments alone."""

    most_chars = 65_536  # of a comment's and an issue's body

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Raises UserError where a variable of the job is missing."""
        self._environment = environment
        token = variable(environment, "GITHUB_TOKEN", "pass it to the step: ${{ github.token }}")
        self._repository = variable(environment, "GITHUB_REPOSITORY", IN_A_JOB)
        server = variable(environment, "GITHUB_SERVER_URL", IN_A_JOB)
        run = variable(environment, "GITHUB_RUN_ID", IN_A_JOB)
        self.run = f"{server}/{self._repository}/actions/runs/{run}"
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "X-GitHub-Api-Version": VERSION,
        }
        self._api = Api(variable(environment, "GITHUB_API_URL", IN_A_JOB), headers, RIGHTS)

    def notes(self) -> list[Note]:
        """Every comment of the pull request."""
        found = self._api.pages(f"{self._issues()}/{self._pull_request()}/comments")
        return [Note(note["id"], note["body"] or "", _ours(note)) for note in found]

    def add_note(self, body: str) -> None:
        """Comment on the pull request."""
        self._api.ask("POST", f"{self._issues()}/{self._pull_request()}/comments", {"body": body})

    def change_note(self, number: int, body: str) -> None:
        """Another text in a comment."""
        self._api.ask("PATCH", f"{self._issues()}/comments/{number}", {"body": body})

    def remove_note(self, number: int) -> None:
        """Take a comment away."""
        self._api.ask("DELETE", f"{self._issues()}/comments/{number}")

    def issues(self) -> list[Note]:
        """Every open issue; pull requests, which the same list has, are none."""
        found = self._api.pages(f"{self._issues()}?state=open")
        return [
            Note(issue["number"], issue["body"] or "", _ours(issue))
            for issue in found
            if "pull_request" not in issue
        ]

    def add_issue(self, title: str, body: str) -> None:
        """Open an issue."""
        self._api.ask("POST", self._issues(), {"title": title, "body": body})

    def change_issue(self, number: int, title: str, body: str) -> None:
        """Another text in an issue."""
        self._api.ask("PATCH", f"{self._issues()}/{number}", {"title": title, "body": body})

    def close_issue(self, number: int, why: str) -> None:
        """Say why, and close it."""
        self._api.ask("POST", f"{self._issues()}/{number}/comments", {"body": why})
        closed = {"state": "closed", "state_reason": "completed"}
        self._api.ask("PATCH", f"{self._issues()}/{number}", closed)

    def _issues(self) -> str:
        return f"/repos/{self._repository}/issues"

    def _pull_request(self) -> str:
        return variable(self._environment, "PULL_REQUEST", "pass the pull request's number to the step")


def _ours(item: Mapping[str, Mapping[str, object]]) -> bool:
    return (item.get("user") or {}).get("login") == BOT
