"""GitLab's REST API (v4): notes of a merge request, and issues."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from infra.forge.api import Api
from infra.forge.forge import Note, variable

TOKEN = "SLIPWAY_TOKEN"  # noqa: S105  a variable's name
IN_A_JOB = "run it in a job of GitLab CI, which sets it"
MAKE = "make a project access token (role Reporter, scope api) and keep it as a masked variable of that name"


class GitLab:
    """As the account of SLIPWAY_TOKEN: the job's own token may not write notes."""

    most_chars = 1_000_000  # of a note's and an issue's text

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Raises UserError where a variable of the job is missing."""
        self._environment = environment
        token = variable(environment, TOKEN, MAKE)
        self._project = f"/projects/{variable(environment, 'CI_PROJECT_ID', IN_A_JOB)}"
        self.run = variable(environment, "CI_PIPELINE_URL", IN_A_JOB)
        base = variable(environment, "CI_API_V4_URL", IN_A_JOB)
        self._api = Api(base, {"PRIVATE-TOKEN": token}, MAKE)

    def notes(self) -> list[Note]:
        """Every note of the merge request that a person or a job wrote."""
        found = self._api.pages(f"{self._request()}/notes")
        return [
            Note(note["id"], note["body"], note["author"]["id"] == self._me)
            for note in found
            if not note["system"]
        ]

    def add_note(self, body: str) -> None:
        """Comment on the merge request."""
        self._api.ask("POST", f"{self._request()}/notes", {"body": body})

    def change_note(self, number: int, body: str) -> None:
        """Another text in a note."""
        self._api.ask("PUT", f"{self._request()}/notes/{number}", {"body": body})

    def remove_note(self, number: int) -> None:
        """Take a note away."""
        self._api.ask("DELETE", f"{self._request()}/notes/{number}")

    def issues(self) -> list[Note]:
        """Every open issue."""
        found = self._api.pages(f"{self._project}/issues?state=opened")
        return [
            Note(issue["iid"], issue["description"] or "", issue["author"]["id"] == self._me)
            for issue in found
        ]

    def add_issue(self, title: str, body: str) -> None:
        """Open an issue."""
        self._api.ask("POST", f"{self._project}/issues", {"title": title, "description": body})

    def change_issue(self, number: int, title: str, body: str) -> None:
        """Another text in an issue."""
        self._api.ask("PUT", f"{self._project}/issues/{number}", {"title": title, "description": body})

    def close_issue(self, number: int, why: str) -> None:
        """Say why, and close it."""
        self._api.ask("POST", f"{self._project}/issues/{number}/notes", {"body": why})
        self._api.ask("PUT", f"{self._project}/issues/{number}", {"state_event": "close"})

    @cached_property
    def _me(self) -> int:
        return int(self._api.ask("GET", "/user")["id"])

    def _request(self) -> str:
        number = variable(self._environment, "CI_MERGE_REQUEST_IID", "run it for a merge request alone")
        return f"{self._project}/merge_requests/{number}"
