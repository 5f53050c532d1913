"""A digest is the same for the same plan, and another for anything that would happen otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.errors import UserError
from infra.review import digest, saved
from infra.review.digest import Record, Sealed
from tests.infra.layered import folder
from tests.infra.review.previews import object_of, planned, reviewed, step, workload

pytestmark = pytest.mark.unit
DEPLOYMENT, MAP, SECRET = (
    "kubernetes:apps/v1:Deployment",
    "kubernetes:core/v1:ConfigMap",
    "kubernetes:core/v1:Secret",
)
HELD = Sealed({"slipway:secrets.redisPassword": "v1:one:cipher"}, "v1:salt")
Step = dict[str, Any]


def steps(image: str = "r/a:2", **more: Any) -> list[Step]:
    """A Deployment that changes, a Secret that does so too, and a ConfigMap that comes."""
    masked = {**object_of("Secret", "s"), "stringData": "[secret]"}
    return [
        step("update", DEPLOYMENT, "d", workload(), workload(image=image), **more),
        step("update", SECRET, "s", masked, masked, paths=["stringData.word"]),
        step("create", MAP, "c", None, object_of("ConfigMap", "c", data={"a": "1"})),
    ]


def record(made: list[Step], sealed: Sealed = HELD) -> Record:
    return digest.record(planned(*made), reviewed(*made), sealed)


REVIEWED = record(steps())


def test_the_order_of_the_engine_and_what_no_program_decides_make_no_difference() -> None:
    assert record(steps()[::-1]).digest == REVIEWED.digest
    other = steps(customTimeouts={"create": 1}, created="2026-11-28", outputs={"status": "x"}, id="a/b")
    assert record(other).digest == REVIEWED.digest


def _without_the_last(made: list[Step]) -> list[Step]:
    return made[:-1]


def _deleted(made: list[Step]) -> list[Step]:
    made[2] = step("delete", MAP, "c", object_of("ConfigMap", "c", data={"a": "1"}))
    return made


def _other_input(made: list[Step]) -> list[Step]:
    made[2]["newState"]["inputs"]["data"]["a"] = "2"
    return made


def _other_start(made: list[Step]) -> list[Step]:
    made[0]["oldState"]["inputs"]["spec"]["replicas"] = 7
    return made


def _other_key(made: list[Step]) -> list[Step]:
    made[1]["detailedDiff"] = {"stringData.other": {"kind": "update"}}
    return made


def _replaced(made: list[Step]) -> list[Step]:
    made[0]["op"] = "replace"
    return made


def _one_more(made: list[Step]) -> list[Step]:
    return [*made, step("create", MAP, "new", None, object_of("ConfigMap", "new"))]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_without_the_last, "c: was reviewed, and would not happen now: service: ConfigMap c is new"),
        (_deleted, "c is new; now it would be: service: ConfigMap c is removed"),
        (_other_input, "c: changes otherwise than was reviewed, in what is not shown: service: ConfigMap c"),
        (_other_start, "d: reviewed was: service: image"),
        (_other_key, "secrets changed (s): word; now it would be: service: secrets changed (s): other"),
        (_replaced, "by a new Deployment"),
        (_one_more, "new: was not reviewed: service: ConfigMap new is new"),
    ],
)  # fmt: skip
def test_any_other_plan_is_refused_with_what_differs(
    change: Callable[[list[Step]], list[Step]], words: str
) -> None:
    now = record(change(steps()))
    assert now.digest != REVIEWED.digest
    with pytest.raises(UserError) as refused:
        digest.require_same(REVIEWED.digest, now, REVIEWED, "review it again")
    assert "the plan has changed since it was reviewed; nothing was applied" in str(refused.value)
    assert words in str(refused.value)


def test_a_masked_secret_that_was_set_anew_is_noticed_by_its_ciphertext() -> None:
    other = Sealed({"slipway:secrets.redisPassword": "v1:two:cipher"}, "v1:salt")
    now = record(steps(), other)
    assert now.steps == REVIEWED.steps, "the preview itself shows the same mask"
    with pytest.raises(UserError, match=r"slipway:secrets\.redisPassword: this secret of the stack file"):
        digest.require_same(REVIEWED.digest, now, REVIEWED, "again")


def test_the_same_plan_passes() -> None:
    digest.require_same(REVIEWED.digest, record(steps()), None, "again")


def test_without_the_record_it_is_refused_too_with_what_would_happen() -> None:
    with pytest.raises(UserError) as refused:
        digest.require_same("0" * 32, REVIEWED, None, "again")
    assert "d: would happen now: service: image registry.example/service:1 → r/a:2" in str(refused.value)


def test_a_record_tells_nothing_that_could_be_tried_against_a_secret() -> None:
    clear = [step("create", SECRET, "s", None, object_of("Secret", "s", stringData={"pin": "1234"}))]
    ours, theirs = (record(clear, Sealed({}, salt)) for salt in ("v1:ours", "v1:theirs"))
    assert ours.steps != theirs.steps
    assert "1234" not in ours.text()


def test_a_record_is_kept_for_its_owner_and_found_by_its_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = saved.save(REVIEWED)
    assert path == tmp_path / "slipway" / "reviews" / f"ledger-prod-{REVIEWED.digest}.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert saved.find("ledger-prod", REVIEWED.digest) == REVIEWED
    assert saved.find("ledger-prod", "0" * 32) is None


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda held: held["steps"].popitem(), "was changed since it was written"),
        (lambda held: held.update(version=9), "is of another version"),
        (lambda held: held.pop("words"), "lacks a part"),
        (lambda held: held.clear(), "is of another version"),
    ],
)
def test_a_record_that_was_changed_is_refused_with_the_way_to_be_rid_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], Any], what: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = saved.save(REVIEWED)
    held = json.loads(path.read_text())
    change(held)
    path.write_text(json.dumps(held))
    with pytest.raises(UserError) as refused:
        saved.find("ledger-prod", REVIEWED.digest)
    assert what in str(refused.value)
    assert f"rm {path}" in str(refused.value)


@pytest.mark.parametrize("text", ["", "HEAD", "0" * 31, "g" * 32, "../../etc/passwd", "A" * 32])
def test_what_can_be_no_digest_is_refused_before_anything_is_asked(text: str) -> None:
    with pytest.raises(UserError, match="is no digest of a plan") as refused:
        digest.require_form(text)
    assert refused.value.exit_code == 2


def test_every_ciphertext_of_the_stack_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_STACKS", str(folder(tmp_path, "  aws:secretKey: {secure: v1:other}\n")))
    found = digest.sealed("ledger-dev")
    assert dict(found.ciphertexts) == {
        "aws:secretKey": "v1:other",
        "slipway:secrets.secretKey": "v1:ciphertext",
    }
    assert found.salt == "v1:abc:v1:abc:abc"
    assert digest.sealed("ledger-prod") == Sealed({}, "")
