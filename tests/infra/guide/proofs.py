"""How each command of the guide is proved: run here, run on the sandbox, or run by a live test that is named.

A command that stands under "For people" has no proof but that slipway has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.paths import ROOT
from tests.pages import Block, blocks

PAGES = ("deployment", "operations", "troubleshooting")
HERE, OTHER = "household-ledger-prod", "household-ledger-staging"
REVIEWED = "ledger-prod"  # the stack of the saved previews in tests/review/golden


@dataclass(frozen=True)
class Offline:
    """Runs without a cluster. ``stack``: what STACK stands for; ``code``: the exit code."""

    stack: str = HERE
    code: int = 0


WELL = frozenset({0})
EITHER = frozenset({0, 1})  # both are answers: a sandbox may have a backup that is not verified yet

OFFLINE: Mapping[str, Offline] = {
    "slipway check STACK": Offline(),
    "slipway check --all": Offline(),
    "slipway check --policy STACK": Offline(),
    "slipway explain STACK": Offline(),
    "slipway explain STACK service.replicas": Offline(),
    "slipway explain STACK service.pool.size": Offline(),
    "slipway diff OTHER STACK": Offline(),
    "slipway review STACK --from preview.json": Offline(REVIEWED),
}

LIVE: Mapping[str, frozenset[int]] = {
    "slipway status STACK": WELL,
    "slipway alerts list STACK": WELL,
    "slipway logs STACK --level error --since 1h": WELL,
    "slipway backup list STACK": WELL,
    "slipway backup status STACK": EITHER,
    "slipway secrets list STACK": WELL,
    "slipway releases STACK": WELL,
    "slipway rightsize STACK": WELL,
    "slipway sandbox status": WELL,
    "slipway sandbox logs kubelet": WELL,
    "slipway doctor": WELL,
    "kubectl get nodes": WELL,
    "kubectl describe nodes": WELL,
    "kubectl -n NAMESPACE get pods": WELL,
    "kubectl -n NAMESPACE get jobs": WELL,
    "kubectl -n NAMESPACE get events --sort-by=.lastTimestamp": WELL,
    "kubectl -n NAMESPACE get networkpolicies": WELL,
    "kubectl -n NAMESPACE get endpointslices": WELL,
    "kubectl -n NAMESPACE get poddisruptionbudgets": WELL,
    "kubectl -n NAMESPACE get persistentvolumeclaims": WELL,
    "kubectl -n NAMESPACE get lease service-release --ignore-not-found": WELL,
    "kubectl -n NAMESPACE logs deployment/service --tail=20": WELL,
    "kubectl -n NAMESPACE exec deployment/service -- python3 -m app.migrate status": WELL,
}

_RELEASE = "tests/live/release/test_release.py::"
_BACKUPS = "tests/live/backups/test_backup_and_restore.py::"
_PITR = (
    "tests/live/backups/test_pitr.py::"
    "test_a_stack_is_what_it_was_at_a_second_and_again_what_it_was_before_that"
)
_REVIEW = "tests/review/test_command.py::test_from_nothing_to_applied_and_never_otherwise_than_reviewed"
_BOARDS = "tests/live/monitoring/test_dashboards.py::test_the_command_lists_them_and_draws_them"
_ABOARD = (
    "tests/live/onboarding/test_from_nothing_to_preview.py::"
    "test_a_team_comes_aboard_and_sees_its_preview_without_an_edit"
)
_MADE = f"{_BACKUPS}test_a_backup_made_now_is_listed_and_its_bytes_are_as_its_manifest_says"
_BACK = f"{_BACKUPS}test_a_restore_is_taken_back_and_put_in_again"
_DRILL = f"{_BACKUPS}test_a_drill_records_what_it_found"
ELSEWHERE: Mapping[str, str] = {
    "slipway review STACK": _REVIEW,
    "slipway review STACK --save": _REVIEW,
    "slipway apply STACK --reviewed DIGEST": _REVIEW,
    "slipway up STACK": "tests/live/service/test_unchanged.py::"
    "test_a_second_up_restarts_no_pod_and_says_that_nothing_changed",
    'eval "$(slipway env STACK)"; pulumi preview -s STACK': _ABOARD,
    "slipway release STACK --image REFERENCE": f"{_RELEASE}"
    "test_a_sound_release_gets_the_traffic_and_the_old_one_is_kept",
    "slipway rollback STACK": f"{_RELEASE}test_the_way_back_is_one_command_and_no_pod_starts",
    "slipway rollback STACK --to N": f"{_RELEASE}test_a_release_is_found_again_by_its_number",
    "slipway alerts test STACK": "tests/live/monitoring/test_notification.py::"
    "test_a_test_alert_reaches_everybody_and_says_that_it_is_one",
    "slipway dashboards STACK": _BOARDS,
    "slipway dashboards STACK --html --since 30m": _BOARDS,
    "slipway logs STACK --trace TRACE": "tests/live/logs/test_logs.py::"
    "test_a_request_is_found_by_the_trace_id_that_it_was_sent_with",
    "slipway backup now STACK": _MADE,
    "slipway backup now STACK --full": f"{_BACKUPS}test_a_full_backup_holds_cache_and_configuration",
    "slipway backup verify STACK": _MADE,
    "kubectl -n NAMESPACE create job --from=cronjob/backup-drill drill-by-hand": _DRILL,
    "kubectl -n NAMESPACE wait --for=condition=complete job/drill-by-hand --timeout=180s": _DRILL,
    "kubectl -n NAMESPACE logs job/drill-by-hand": _DRILL,
    "kubectl -n NAMESPACE delete job drill-by-hand": _DRILL,
    "slipway restore STACK --backup ID --into looked_at --tables transactions,categories": f"{_BACKUPS}"
    "test_some_tables_go_into_another_database_and_the_live_one_stays",
    "slipway restore STACK --backup ID --yes": _BACK,
    "slipway restore STACK --undo --yes": _BACK,
    "slipway restore STACK --forget --yes": _BACK,
    "slipway restore STACK --cache --backup ID --yes": f"{_BACKUPS}"
    "test_a_key_that_the_cache_has_lost_is_back_from_the_daily_copy",
    "slipway restore STACK --from OTHER --into borrowed": "tests/live/backups/test_restore_from.py::"
    "test_the_rows_arrive_with_other_data_in_the_place_of_personal_ones",
    "slipway restore STACK --to 2026-11-20T03:00:05Z --yes": _PITR,
    "slipway restore STACK --to previous --yes": _PITR,
    "slipway secrets rotate secretKey STACK": "tests/live/onboarding/test_rotation_takes_effect.py::"
    "test_new_passwords_are_in_force_after_up_and_old_ones_are_refused",
}


def page(name: str) -> str:
    """Its text."""
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def shell_blocks() -> list[Block]:
    """The blocks of commands of the whole guide."""
    return [block for name in PAGES for block in blocks(page(name)) if block.kind == "sh"]
