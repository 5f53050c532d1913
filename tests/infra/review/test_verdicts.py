"""What must be acknowledged and how, who should look at what, and which exit code follows."""

from __future__ import annotations

from typing import Any

import pytest

from infra.review import findings
from infra.review.form import Format
from infra.review.labels import Mark
from infra.review.report import Report, State
from tests.infra.review.previews import object_of, reviewed, step, told, workload
from tests.review.cases import Finding

pytestmark = pytest.mark.unit
K8S, CORE, APPS = "kubernetes:", "kubernetes:core/v1:", "kubernetes:apps/v1:"
RBAC = "kubernetes:rbac.authorization.k8s.io/v1:"
NET = "kubernetes:networking.k8s.io/v1:"
SET, DEPLOYMENT = f"{APPS}StatefulSet", f"{APPS}Deployment"
CONFIG, SECRET, SERVICE = f"{CORE}ConfigMap", f"{CORE}Secret", f"{CORE}Service"
CLAIM, NAMESPACE = f"{CORE}PersistentVolumeClaim", f"{CORE}Namespace"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
BUCKET, USER = "aws:s3/bucket:Bucket", "aws:iam/user:User"


def claimed(name: str = "postgres", size: str = "10Gi", when_deleted: str = "") -> dict[str, Any]:
    """A StatefulSet of one volume."""
    claim = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": size}}}}
    spec: dict[str, Any] = {
        "replicas": 1,
        "volumeClaimTemplates": [claim],
        "template": {"spec": {"containers": []}},
    }
    if when_deleted:
        spec["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": when_deleted}
    return object_of("StatefulSet", name, spec=spec)


def retention(days: int) -> dict[str, Any]:
    return {"rules": [{"id": "old", "expiration": {"days": days}}]}


@pytest.mark.parametrize(
    ("op", "type_", "name", "old", "new", "why"),
    [
        ("delete", SET, "set", claimed(), None, "its volumes stay until their claims are deleted"),
        ("delete", SET, "set", claimed(when_deleted="Delete"), None, "its volumes with it"),
        ("replace", SET, "set", claimed(), claimed(), "its pods stop meanwhile; its volumes stay"),
        ("replace", SET, "set", claimed(), claimed(size="20Gi"), "kubectl edit pvc data-postgres-0"),
        ("replace", SET, "set", claimed(), claimed(size="5Gi"), "cannot be made smaller"),
        ("replace", SET, "set", claimed(), claimed("other"), "begins with empty volumes"),
        ("replace", SET, "set", claimed(when_deleted="Delete"), claimed(), "its volumes go with it"),
        ("delete", NAMESPACE, "ns", object_of("Namespace", "a"), None, "everything in it is deleted"),
        ("replace", NAMESPACE, "ns", object_of("Namespace", "a"), object_of("Namespace", "b"),
         "everything in it"),
        ("delete", CLAIM, "c", object_of("PersistentVolumeClaim", "a"), None, "its volume is deleted"),
        ("delete", f"{CORE}PersistentVolume", "c", object_of("PersistentVolume", "a"), None, "is given up"),
        ("delete", SECRET, "tls", object_of("Secret", "a", data={"tls.key": "[secret]"}), None,
         "the keys in it"),
        ("replace", SECRET, "backups-keys", object_of("Secret", "k-0123456789"),
         object_of("Secret", "k-abcdef0123"),
         "with the old keys"),
        ("delete", BUCKET, "bucket", {"bucket": "a"}, None, "everything in it must go first"),
        ("delete", "aws:s3/bucketVersioning:BucketVersioning", "v", {}, None, "is lost"),
        ("delete", USER, "writer", {}, None, "is shut out"),
        ("replace", "aws:rds/instance:Instance", "db", {}, {},
         "it is deleted and made anew: the database is deleted"),
        ("delete", "kubernetes:postgresql.cnpg.io/v1:Cluster", "db", {}, None,
         "the database and its volumes"),
        ("update", LIFECYCLE, "l", retention(30), retention(14),
         "days 30 → 14: backups that it kept until now are deleted"),
        ("update", LIFECYCLE, "l", {"rules": []}, retention(14),
         "a new rule deletes what is older than 14 days"),
        ("replace", CONFIG, "backups-environment",
         object_of("ConfigMap", "a", data={"BACKUP_RETENTION_DAYS": "30"}),
         object_of("ConfigMap", "b", data={"BACKUP_RETENTION_DAYS": "7"}), "BACKUP_RETENTION_DAYS 30 → 7"),
        ("update", CLAIM, "c",
         object_of("PersistentVolumeClaim", "a", spec={"resources": {"requests": {"storage": "2Gi"}}}),
         object_of("PersistentVolumeClaim", "a", spec={"resources": {"requests": {"storage": "1Gi"}}}),
         "smaller"),
        ("replace", "pulumi:providers:kubernetes", "cluster", {"context": "a"}, {"context": "b"},
         "without its data"),
    ],
)  # fmt: skip
def test_what_takes_data_or_keys_along_must_be_acknowledged_by_name(
    op: str, type_: str, name: str, old: dict[str, Any], new: dict[str, Any] | None, why: str
) -> None:
    steps = [step(op, type_, name, old, new)]
    made = reviewed(*steps)
    assert (made.state, made.exit_code) == (State.BLOCKED, 2)
    assert why in told(made)
    assert f"slipway review ledger-prod --acknowledge {name}" in told(made)
    assert "apply" not in told(made), "there is no digest of what is not acknowledged"
    accepted = reviewed(*steps, acknowledged=[name])
    assert (accepted.state, accepted.exit_code) == (State.ACKNOWLEDGED, 0)
    assert "slipway apply ledger-prod --reviewed" in told(accepted)


@pytest.mark.parametrize(
    ("op", "type_", "name", "old", "new"),
    [
        ("update", SET, "set", claimed(), claimed()),
        ("create", SET, "set", None, claimed()),
        ("delete", DEPLOYMENT, "d", workload(), None),
        ("delete", CONFIG, "c", object_of("ConfigMap", "a"), None),
        ("delete", SECRET, "auth", object_of("Secret", "a", stringData={"word": "[secret]"}), None),
        ("replace", SECRET, "auth", object_of("Secret", "a-0123456789"), object_of("Secret", "a-abcdef0123")),
        ("update", LIFECYCLE, "l", retention(14), retention(30)),
        ("delete", f"{K8S}batch/v1:Job", "j", object_of("Job", "a"), None),
    ],
)  # fmt: skip
def test_what_loses_nothing_needs_no_acknowledgement(
    op: str, type_: str, name: str, old: dict[str, Any] | None, new: dict[str, Any] | None
) -> None:
    made = reviewed(step(op, type_, name, old, new))
    assert (made.state, made.exit_code) == (State.HARMLESS, 0)


def test_what_somebody_else_has_deleted_can_lose_nothing_more() -> None:
    made = reviewed(
        step("refresh", SET, "set", claimed()),
        step("create", SET, "set", None, claimed()),
    )
    assert made.exit_code == 0
    assert "was deleted by somebody else, and is made again" in told(made)


def test_two_of_one_name_are_acknowledged_with_their_kinds() -> None:
    steps = [
        step("delete", USER, "writer", {}),
        step("delete", BUCKET, "writer", {"bucket": "a"}),
    ]
    assert [each.name for each in reviewed(*steps).blockers] == ["Bucket/writer", "User/writer"]
    half = reviewed(*steps, acknowledged=["writer", "User/writer"])
    assert [each.name for each in half.open] == ["Bucket/writer"]
    assert half.unused == ("writer",)
    assert "nothing to acknowledge has the name writer" in told(half)
    assert reviewed(*steps, acknowledged=["Bucket/writer", "User/writer"]).exit_code == 0


@pytest.mark.parametrize(
    ("op", "type_", "old", "new", "marks"),
    [
        ("create", DEPLOYMENT, None, workload(), {Mark.COST}),
        ("delete", DEPLOYMENT, workload(), None, {Mark.COST}),
        ("update", DEPLOYMENT, workload(replicas=1), workload(replicas=2), {Mark.COST}),
        ("create", CONFIG, None, object_of("ConfigMap", "a"), set()),
        ("create", SERVICE, None, object_of("Service", "a", spec={"type": "ClusterIP"}), set()),
        ("create", SERVICE, None, object_of("Service", "a", spec={"type": "NodePort"}), {Mark.SECURITY}),
        ("create", SERVICE, None, object_of("Service", "a", spec={"type": "LoadBalancer"}),
         {Mark.COST, Mark.SECURITY}),
        ("create", f"{RBAC}Role", None, object_of("Role", "a"), {Mark.SECURITY}),
        ("delete", f"{RBAC}RoleBinding", object_of("RoleBinding", "a"), None, {Mark.SECURITY}),
        ("create", "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", None,
         object_of("HTTPRoute", "a", spec={"hostnames": ["h"]}), {Mark.SECURITY}),
        ("create", "kubernetes:gateway.networking.k8s.io/v1:Gateway", None,
         object_of("Gateway", "a", spec={"listeners": []}), {Mark.SECURITY, Mark.COST}),
        ("create", f"{NET}Ingress", None,
         object_of("Ingress", "a", spec={"rules": [{"host": "h"}]}), {Mark.SECURITY}),
        ("delete", f"{NET}NetworkPolicy", object_of("NetworkPolicy", "a"), None, {Mark.SECURITY}),
        ("create", "aws:iam/policy:Policy", None, {}, {Mark.SECURITY}),
        ("update", "aws:s3/bucketPolicy:BucketPolicy", {"policy": "{}"}, {"policy": '{"a": 1}'},
         {Mark.SECURITY}),
        ("create", BUCKET, None, {"bucket": "a"}, {Mark.COST}),
        ("update", CONFIG, object_of("ConfigMap", "a", data={"JWT_ISSUER": "a"}),
         object_of("ConfigMap", "a", data={"JWT_ISSUER": "b"}), {Mark.SECURITY}),
        ("update", CONFIG, object_of("ConfigMap", "a", data={"users.acl": "a\nb"}),
         object_of("ConfigMap", "a", data={"users.acl": "a\nc"}), {Mark.SECURITY}),
        ("create", f"{APPS}DaemonSet", None,
         workload("DaemonSet", volumes=[{"name": "v", "hostPath": {"path": "/"}}]),
         {Mark.COST, Mark.SECURITY}),
        ("update", "pulumi:providers:kubernetes", {"context": "a"}, {"context": "b"}, {Mark.SECURITY}),
    ],
)  # fmt: skip
def test_changes_are_marked_for_whom_they_concern(
    op: str, type_: str, old: dict[str, Any] | None, new: dict[str, Any] | None, marks: set[Mark]
) -> None:
    (change,) = reviewed(step(op, type_, "a", old, new)).changes
    assert change.marks == marks


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (None, workload(resources={"requests": {"cpu": "250m", "memory": "1Gi"}}),
         "+0.5 cores, +2 GiB memory"),
        (workload(replicas=4, resources={"requests": {"cpu": "1"}}),
         workload(resources={"requests": {"cpu": "1"}}), "−2 cores"),
        (claimed(), claimed(size="30Gi"), "+20 GiB storage"),
        (workload(), workload(image="r/b:2"), ""),
    ],
)  # fmt: skip
def test_what_is_asked_for_more_or_less_is_added_up(
    before: dict[str, Any] | None, after: dict[str, Any], words: str
) -> None:
    kind = after["kind"]
    made = reviewed(step("update" if before else "create", f"{APPS}{kind}", "a", before, after))
    written = told(made).splitlines()
    assert [line.partition("; asks for ")[2] for line in written if "unchanged" in line] == [words]


FINDING = Finding(
    "images-are-pinned", "urn:pulumi:a::b::c::service", "has the tag latest", "name a version", True
)


@pytest.mark.parametrize(
    ("mandatory", "exempt", "code", "level"),
    [(True, False, 2, "must be mended"), (False, False, 0, "advice"), (True, True, 0, "exempt")],
)
def test_a_mandatory_finding_blocks_and_no_acknowledgement_helps(
    mandatory: bool, exempt: bool, code: int, level: str
) -> None:
    finding = Finding(FINDING.rule, FINDING.resource, FINDING.what, FINDING.remedy, mandatory)
    policy = findings.merged(*([[], [finding]] if exempt else [[finding, finding]]))
    made = reviewed(step("update", DEPLOYMENT, "a", workload(), workload(image="b")), policy=policy,
                    acknowledged=["images-are-pinned", "service"])  # fmt: skip
    assert made.exit_code == code
    assert told(made).count(f"{level}: name a version") == 1
    assert "service: has the tag latest (images-are-pinned)" in told(made)


def test_a_mandatory_finding_is_told_where_nothing_changes_and_advice_is_not() -> None:
    silent = reviewed(policy=findings.merged([Finding("r", "a", "b", "c", False)], [FINDING]))
    assert (silent.state, told(silent, Format.MARKDOWN)) == (State.UNCHANGED, "")
    assert reviewed(policy=findings.merged([FINDING])).exit_code == 2


def test_a_name_that_could_be_a_command_or_a_cell_is_neither() -> None:
    made = reviewed(step("delete", BUCKET, "a | b; rm -rf ~", {"bucket": "x"}))
    assert "--acknowledge 'a | b; rm -rf ~'" in told(made)
    row = next(line for line in told(made, Format.MARKDOWN).splitlines() if line.startswith("| service"))
    assert row.replace("\\|", "").count("|") == 3


@pytest.mark.parametrize("form", list(Format))
def test_a_failed_preview_is_its_diagnostics(form: Format) -> None:
    said = [
        {"message": "warning: old\n", "severity": "warning"},
        {"message": "error: the image\nis missing; password: hunter2-hunter2\n", "severity": "error"},
    ]
    made = reviewed(step("create", DEPLOYMENT, "a", None, workload()), diagnostics=said)
    written = told(made, form)
    assert made.exit_code == 1
    assert "the preview failed with 1 error; nothing is changed" in written
    assert "is missing" in written
    assert written.index("the image") < written.index("old")
    assert "hunter2" not in written
    assert "new" not in written.replace("anew", "")


def test_thousands_of_resources_with_data_are_told_as_far_as_there_is_room() -> None:
    steps = [step("delete", SET, f"set-{number}", claimed()) for number in range(3_000)]
    made: Report = reviewed(*steps)
    for form in Format:
        written = told(made, form)
        assert 30_000 < len(written) < 60_000
        assert "3000 things that hold data or keys" in written
    assert "more lines" in told(made)
