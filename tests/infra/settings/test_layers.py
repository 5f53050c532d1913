"""Model default < profile < stack file: how mappings, lists and null merge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.paths import ROOT
from infra.settings import check, layers, strict
from infra.settings.merge import merge
from infra.settings.stack import Environment, StackName
from tests.infra.layered import PROFILE, STACK, folder

pytestmark = pytest.mark.unit
UNION = {("section", "joined")}


def merged(path: Path, own: str, profile: str = PROFILE) -> dict[str, Any]:
    read, flaws = layers.read(StackName.parse(STACK), folder(path, own, profile=profile))
    assert not flaws
    return layers.merged(read)


def test_a_key_that_no_file_sets_has_the_value_of_the_model(tmp_path: Path) -> None:
    assert merged(tmp_path, "")["service"]["pool"]["recycle_seconds"] == 3600


def test_the_profile_wins_over_the_model_and_the_stack_file_over_the_profile(tmp_path: Path) -> None:
    pool = merged(tmp_path, "  slipway:service: {pool: {size: 8}}\n")["service"]["pool"]
    assert (pool["size"], pool["max_overflow"], pool["timeout_seconds"]) == (8, 10, 30)


def test_mappings_merge_key_by_key_however_deep_they_are() -> None:
    lower = {"a": {"b": {"c": 1, "d": 2}, "e": 3}}
    assert merge(lower, {"a": {"b": {"d": 4}}}) == {"a": {"b": {"c": 1, "d": 4}, "e": 3}}


def test_merging_changes_neither_of_its_layers() -> None:
    lower, upper = {"section": {"joined": [1]}}, {"section": {"joined": [2]}}
    merge(lower, upper, UNION)
    assert (lower, upper) == ({"section": {"joined": [1]}}, {"section": {"joined": [2]}})


def test_a_list_is_replaced_whole_so_that_it_can_be_shortened() -> None:
    assert merge({"section": {"other": [1, 2]}}, {"section": {"other": [2]}}, UNION)["section"]["other"] == [
        2
    ]


def test_an_empty_list_empties_a_list_that_is_replaced() -> None:
    assert merge({"section": {"other": [1]}}, {"section": {"other": []}}, UNION)["section"]["other"] == []


@pytest.mark.parametrize(
    ("below", "above", "together"),
    [
        ([1], [2], [1, 2]),
        ([1, 2], [2, 3, 1], [1, 2, 3]),
        ([1], [], [1]),
        ([], [1], [1]),
        ([3, 1], [2], [3, 1, 2]),
    ],
)
def test_a_joined_list_keeps_the_items_below_and_adds_each_new_one_once(
    below: list[int], above: list[int], together: list[int]
) -> None:
    assert merge({"section": {"joined": below}}, {"section": {"joined": above}}, UNION) == {
        "section": {"joined": together}
    }


def test_the_same_key_in_another_section_is_not_joined() -> None:
    assert merge({"other": {"joined": [1]}}, {"other": {"joined": [2]}}, UNION) == {"other": {"joined": [2]}}


def test_the_origins_of_a_profile_stay_beside_those_of_the_stack(tmp_path: Path) -> None:
    own = '  slipway:service: {allowed_origins: ["https://ledger.example.com"]}\n'
    origins = merged(tmp_path, own)["service"]["allowed_origins"]
    assert origins == ["http://localhost:3000", "https://ledger.example.com"]


def test_the_modules_and_hosts_of_a_profile_give_way_to_those_of_the_stack(tmp_path: Path) -> None:
    profile = PROFILE + "modules: [ledger, support]\ningress: {hosts: [a.example.com]}\n"
    own = "  slipway:modules: [ledger]\n  slipway:ingress: {hosts: [b.example.com]}\n"
    values = merged(tmp_path, own, profile)
    assert (values["modules"], values["ingress"]["hosts"]) == (["ledger"], ["b.example.com"])


def test_null_takes_back_what_a_lower_layer_has_set(tmp_path: Path) -> None:
    profile = PROFILE + "postgres: {storage_class: fast}\n"
    values = merged(tmp_path, "  slipway:postgres: {storage_class: null}\n", profile)
    assert values["postgres"]["storage_class"] is None


def test_null_where_a_value_is_needed_is_told(tmp_path: Path) -> None:
    report = check.examine(STACK, folder(tmp_path, "  slipway:service: {replicas: null}\n"), secrets=False)
    assert [(flaw.rule, flaw.key) for flaw in report.errors] == [("empty-value", "slipway:service.replicas")]


def test_secrets_are_no_part_of_the_merged_values(tmp_path: Path) -> None:
    assert not {"secrets", "rotated"} & set(merged(tmp_path, ""))


def test_a_folder_without_profiles_has_those_of_the_project(tmp_path: Path) -> None:
    own = layers.profile_file(Environment.DEV, tmp_path)
    (tmp_path / "profiles").mkdir()
    assert own == layers.profile_file(Environment.DEV, ROOT / "stacks")
    assert layers.profile_file(Environment.DEV, tmp_path) == tmp_path / "profiles" / "dev.yaml"


def test_an_environment_with_an_empty_profile_has_the_model_and_the_stack_file(tmp_path: Path) -> None:
    path = folder(tmp_path, "  slipway:service: {replicas: 3}\n")
    (path / "profiles" / "dev.yaml").write_text("")
    read, flaws = layers.read(StackName.parse(STACK), path)
    service = layers.merged(read)["service"]
    assert (len(read), flaws, service["replicas"], service["pool"]["size"]) == (2, [], 3, 20)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        *(
            (text, "a number")
            for text in ("0o17", "017", "08", "0x1F", "-0x1f", "0b101", "1_000", "1e3", "+5")
        ),
        *(
            (text, "a number")
            for text in (".5", "5.", "+5.5", "1_0.5", ".inf", "-.INF", ".nan", "012345678901")
        ),
        *(
            (text, "a date")
            for text in ("2026-01-01", "2026-1-2", "2026-01-01T10:00:00Z", "2026-01-01 10:00:00")
        ),
        *(
            (text, None)
            for text in ("2026-02-30", "0x", "0o8", "0x1g", "1e999", "1:30", "yes", "250m", "1.2.3")
        ),
        *((text, None) for text in (f"0x{'a' * 40}", "_1", "1-2", "e3", ".", "-", "+", "inf", "2026-01")),
    ],
)
def test_what_pulumi_takes_a_bare_text_for_is_known(text: str, taken: str | None) -> None:
    assert strict.misread(text) == taken
