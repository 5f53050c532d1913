"""Whatever stands in a preview: no secret gets out, the report fits, nothing of it becomes markup."""

from __future__ import annotations

import base64
import json
import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.review import plan, report
from infra.review.form import Format
from infra.review.shown import LIMIT
from infra.review.wording import BEGIN, END
from tests.infra.review.previews import STACK, step, text, told

pytestmark = pytest.mark.unit
MANY, SOME = (settings(max_examples=number, derandomize=True, database=None) for number in (150, 15))
TYPES = {
    "kubernetes:apps/v1:Deployment": "Deployment",
    "kubernetes:apps/v1:StatefulSet": "StatefulSet",
    "kubernetes:core/v1:ConfigMap": "ConfigMap",
    "kubernetes:core/v1:Secret": "Secret",
    "kubernetes:core/v1:Service": "Service",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy": "NetworkPolicy",
    "kubernetes:networking.k8s.io/v1:Ingress": "Ingress",
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole": "ClusterRole",
    "aws:s3/bucketPolicy:BucketPolicy": "BucketPolicy",
}
OPS = ("create", "update", "replace", "delete", "refresh", "import")
KEYS = st.sampled_from(
    ["spec", "data", "stringData", "metadata", "rules", "template", "containers", "env", "name", "value",
     "image", "replicas", "annotations", "policy", "ingress", "from", "ports", "storage", "a.key", "x"]
)  # fmt: skip
TEXTS = st.text(max_size=30) | st.sampled_from(
    ["@everybody", "<!-- a -->", "| a | b |", "`x` ``y``", "a\n```\nb", "</td><script>", "[a](b)",
     "--- \n ***", "[secret]", "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "1Gi", "250m", "{\"a\": [1, 2]}",
     "\x1b[31mred", "x" * 500]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers(-5, 5_000) | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
ODD = ("aws:x:O|d`d\n<b>@me", "kubernetes:apps/v1:StatefulSet\n# head")
NAMES = st.just("thing-") | TEXTS.map(lambda text: text.replace(":", ""))
INPUTS = st.dictionaries(KEYS, VALUES, max_size=5)


@st.composite
def steps(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Steps of any kind, with any inputs of a shape that the engine may write."""
    found = []
    for number in range(draw(st.integers(0, 6))):
        type_ = draw(st.sampled_from([*sorted(TYPES), *ODD]))
        op, part = draw(st.sampled_from(OPS)), draw(st.sampled_from(["Service", "Postgres", "Odd`Part", ""]))
        old, new = draw(st.none() | INPUTS), draw(st.none() | INPUTS)
        old, new = (
            {"kind": TYPES.get(type_, "Odd"), **side} if side is not None else None for side in (old, new)
        )
        paths = draw(
            st.lists(st.sampled_from(["spec", "data.a", 'data["x"]', "spec.containers[0].env[1]", "["]))
        )
        found.append(step(op, type_, f"{draw(NAMES)}{number}", old, new, part=part, paths=paths))
    return found


@MANY
@given(steps())
def test_every_preview_of_the_engines_shape_can_be_told(made: list[dict[str, Any]]) -> None:
    for form in Format:
        written = told(_report(made), form)
        assert len(written) < LIMIT
        assert BEGIN not in written
        assert END not in written
        if form is Format.JSON:
            json.loads(written)
        else:
            assert all(character.isprintable() or character == "\n" for character in written)


@MANY
@given(steps(), st.randoms(use_true_random=False))
def test_the_order_of_the_engines_steps_makes_no_difference(
    made: list[dict[str, Any]], order: random.Random
) -> None:
    shuffled = list(made)
    order.shuffle(shuffled)
    for form in Format:
        assert told(_report(made), form) == told(_report(shuffled), form)


@MANY
@given(steps())
def test_outside_of_code_a_comment_has_no_words_of_the_plan(made: list[dict[str, Any]]) -> None:
    prose = _prose(told(_report(made), Format.MARKDOWN))
    for mark in ("<", "@", "](", "---", "***", "\x1b", "script"):
        assert mark not in prose


def _prose(comment: str) -> str:
    """A comment without what is code: blocks by their fences, then spans (CommonMark 4.5, 6.1), and without
    the table's own ruler."""
    kept, fence = [], ""
    for line in comment.split("\n"):
        mark = re.match(r" *(`{3,})", line)
        if fence:
            fence = "" if line.strip() == fence else fence
        elif mark:
            fence = mark[1]
        else:
            kept.append(line)
    assert not fence, "a block is left open"
    spans = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
    return spans.sub("", "\n".join(kept)).replace("|---|---|", "").replace("`", "")


SECRET = st.from_regex(r"S3[A-Za-z0-9_~.-]{20,40}[0-9]", fullmatch=True)
SECRETS, MAPS = "kubernetes:core/v1:Secret", "kubernetes:core/v1:ConfigMap"


def _variable(secret: str) -> dict[str, Any]:
    container = {"name": "c", "env": [{"name": "DB_PASSWORD", "value": secret}]}
    return {"spec": {"template": {"spec": {"containers": [container]}}}}


def _file(text: str) -> tuple[str, dict[str, Any]]:
    return MAPS, {"data": {"a.file": text}}


def _key_file(secret: str) -> str:
    return f"-----BEGIN PRIVATE KEY-----\n{secret}\n{secret[::-1]}\n-----END PRIVATE KEY-----\n"


def _encoded(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()


PLACES: dict[str, Any] = {
    "a Secret's data": lambda s: (SECRETS, {"data": {"a": _encoded(s)}}),
    "a Secret's text": lambda s: (SECRETS, {"stringData": {"a": s}}),
    "a variable": lambda s: ("kubernetes:apps/v1:Deployment", _variable(s)),
    "a key of a ConfigMap": lambda s: (MAPS, {"data": {"API_TOKEN": s}}),
    "a file": lambda s: _file(f"user: me\npassword: {s}\nlevel: 1\n"),
    "a block in a file": lambda s: _file(f"client_secret: |\n  {s}\n  more {s}\nlevel: 1\n"),
    "a pair in a file": lambda s: _file(json.dumps([{"name": "SECRET_KEY", "value": s}])),
    "a key file": lambda s: _file(_key_file(s)),
    "an address": lambda s: (MAPS, {"data": {"URL": f"postgresql://me:{s}@host/db"}}),
    "a policy": lambda s: (
        "aws:s3/bucketPolicy:BucketPolicy",
        {"policy": json.dumps({"secretToken": s})},
    ),
    "an annotation": lambda s: (
        "kubernetes:core/v1:Service",
        {"metadata": {"name": "a", "annotations": {"example.com/access-token": s}}},
    ),
    "a list of an unknown kind": lambda s: (
        "kubernetes:example.com/v1:Odd",
        {"spec": {"credentials": [s, {"x": s}]}},
    ),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("op", ["create", "update", "replace", "delete"])
@SOME
@given(secret=SECRET, other=SECRET)
def test_no_secret_leaves_the_place_where_it_is_planted(place: str, op: str, secret: str, other: str) -> None:
    sides = [PLACES[place](each) for each in (secret, other)]
    kind = sides[0][0].rpartition(":")[2]
    old, new = ({"kind": kind, "metadata": {"name": "a"}, **inputs} for _, inputs in sides)
    wanted = {"create": (None, new), "delete": (old, None)}.get(op, (old, new))
    made = _report([step(op, sides[0][0], "a", *wanted)])
    for form in Format:
        written = told(made, form)
        for each in (secret, other):
            assert each not in written
            assert each[::-1] not in written
            assert _encoded(each) not in written


@pytest.mark.parametrize(
    "place", ["a Secret's text", "a Secret's data", "a variable", "a key of a ConfigMap"]
)
@SOME
@given(secret=SECRET, before=st.text(max_size=20))
def test_a_secret_is_taken_out_wherever_else_it_is_repeated(place: str, secret: str, before: str) -> None:
    type_, inputs = PLACES[place](secret)
    held = {"kind": type_.rpartition(":")[2], "metadata": {"name": "a"}, **inputs}
    files = {
        "plain": f"{before}{secret}",
        "file.txt": f"first\n{before} {secret}\nlast",
        "long": f"{secret}{'x' * 300}",
    }
    config = {"kind": "ConfigMap", "metadata": {"name": "b"}, "data": files}
    said = [{"message": f"error: {secret} was refused", "severity": "warning"}]
    made = _report(
        [
            step("create", type_, "a", None, held),
            step("update", "kubernetes:core/v1:ConfigMap", "b", {}, config),
        ],
        said,
    )
    for form in Format:
        written = told(made, form)
        assert secret not in written
        assert secret[:16] not in written


def _report(made: list[dict[str, Any]], diagnostics: list[dict[str, str]] | None = None) -> report.Report:
    document = plan.document(text(*made, diagnostics=diagnostics or []), "preview.json")
    return report.build(plan.read(document, STACK, "preview.json"))
