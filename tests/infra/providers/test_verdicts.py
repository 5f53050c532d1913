"""What the checks of readiness conclude from objects as the API server shows them."""

from __future__ import annotations

from typing import Any

import pytest

from infra.sandbox.providers.kubernetes.cluster import Ref
from infra.sandbox.providers.kubernetes.masking import Masks
from infra.sandbox.providers.kubernetes.waiting import jobs, pods, services, simple, workloads
from infra.sandbox.providers.kubernetes.waiting.verdicts import (
    Check,
    Failed,
    Look,
    Pending,
    Ready,
    Trouble,
    weigh,
)
from infra.sandbox.providers.shared.values import Object

pytestmark = pytest.mark.unit


class FakeCluster:
    """Answers from tables: objects by kind, one log for all."""

    def __init__(self, log: str = "", **objects: list[Object]) -> None:
        self.objects, self.text = objects, log

    def find(self, _api_version: str, kind: str, _namespace: str | None, **_query: str) -> list[Object]:
        return self.objects.get(kind, [])

    def get(self, ref: Ref) -> Object | None:
        return next(iter(self.objects.get(ref.kind, [])), None)

    def log(self, _pod: Ref, _container: str, *, lines: int, previous: bool) -> str:
        return self.text

    def events(self, _namespace: str | None, _uid: str) -> list[Object]:
        return self.objects.get("Event", [])


def look(live: Object, cluster: FakeCluster | None = None, masks: Masks | None = None) -> Look:
    ref = Ref("v1", "Any", "ns", "a")
    return Look(cluster or FakeCluster(), ref, masks or Masks(), live)  # type: ignore[arg-type]


def live(spec: Object | None = None, status: Object | None = None) -> Object:
    meta = {"name": "a", "namespace": "ns", "uid": "1", "generation": 2, "annotations": {}}
    return {"metadata": meta, "spec": spec or {}, "status": status or {}}


def pod(container: Object, **status: Any) -> Object:
    made = live({"containers": [{"name": "main"}]}, {"phase": "Pending", **status})
    made["status"]["containerStatuses"] = [{"name": "main", "image": "a:1", "ready": False, **container}]
    made["metadata"]["ownerReferences"] = [{"uid": "1"}]
    return made


def rolled(updated: int = 1, total: int = 1) -> Object:
    return {"observedGeneration": 2, "updatedReplicas": updated, "availableReplicas": 1, "replicas": total}


SET = {
    "observedGeneration": 2,
    "readyReplicas": 1,
    "replicas": 1,
    "currentRevision": "a",
    "updateRevision": "b",
}
PROBED = {"template": {"spec": {"containers": [{"name": "main", "readinessProbe": {}}]}}}


@pytest.mark.parametrize(
    ("check", "obj", "expected"),
    [
        (workloads.deployment, live(PROBED, {"observedGeneration": 1}), Pending),
        (
            workloads.deployment,
            live(PROBED, rolled()),
            Ready,
        ),
        (
            workloads.deployment,
            live(PROBED, rolled(total=2)),
            Pending,
        ),
        (workloads.deployment, live({"replicas": 0}, {"observedGeneration": 2}), Ready),
        (
            workloads.stateful_set,
            live(PROBED, SET),
            Pending,
        ),
        (jobs.job, live({}, {"conditions": [{"type": "Complete", "status": "True"}]}), Ready),
        (jobs.job, live({}, {"conditions": [{"type": "Failed", "status": "True", "message": "no"}]}), Failed),
        (services.service, live({"type": "ExternalName"}), Ready),
        (services.service, live({"clusterIP": "None", "selector": {"a": "b"}}), Ready),
        (services.service, live({"selector": {"a": "b"}}), Pending),
        (services.service, live({"type": "LoadBalancer"}), Pending),
        (simple.claim, live({}, {"phase": "Bound"}), Ready),
        (simple.claim, live({}, {"phase": "Pending"}), Pending),
        (simple.claim, live({}, {"phase": "Lost"}), Failed),
        (simple.namespace, live({}, {"phase": "Terminating"}), Failed),
        (simple.pod, live({}, {"phase": "Succeeded"}), Ready),
        (simple.pod, live({}, {"phase": "Failed"}), Failed),
    ],
)  # fmt: skip
def test_the_verdict_on(check: Check, obj: Object, expected: type) -> None:
    assert isinstance(check(look(obj)), expected)


def waiting(reason: str, restarts: int = 0, **more: Any) -> Object:
    return {"state": {"waiting": {"reason": reason, "message": "because"}}, "restartCount": restarts, **more}


CRASHED = {"lastState": {"terminated": {"exitCode": 7, "reason": "Error"}}}


@pytest.mark.parametrize(
    ("container", "grace"),
    [
        (waiting("ErrImageNeverPull"), 0.0),
        (waiting("ImagePullBackOff"), 8.0),
        (waiting("CreateContainerConfigError"), 12.0),
        (waiting("CrashLoopBackOff", 1, **CRASHED), None),
        (waiting("CrashLoopBackOff", 2, **CRASHED), 0.0),
        ({"state": {"running": {}}, "restartCount": 5, **CRASHED}, None),
    ],
)
def test_how_long_a_trouble_must_last_to_be_certain(container: Object, grace: float | None) -> None:
    (found,) = pods.troubles(look({}), [pod(container)])
    assert found.grace == grace


def test_a_container_that_is_only_starting_is_no_trouble() -> None:
    assert not pods.troubles(look({}), [pod(waiting("ContainerCreating"))])


def test_the_last_lines_of_a_crash_are_masked_even_of_secrets_this_run_never_sent() -> None:
    env = [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "p"}}}]
    crashing = pod(waiting("CrashLoopBackOff", 3, **CRASHED))
    crashing["spec"]["containers"][0]["env"] = env
    stored = {"apiVersion": "v1", "kind": "Secret", "data": {"p": "aHVudGVyMi1odW50ZXIy"}}
    cluster = FakeCluster("using hunter2-hunter2\n", Secret=[stored])
    (found,) = pods.troubles(look({}, cluster), [crashing])
    assert found.full().endswith("its last lines:\n    using [secret]")


def test_a_pod_refused_by_pod_security_is_certain_at_once_and_one_over_quota_is_not() -> None:
    for message, expected in (("violates PodSecurity", Failed), ("exceeded quota", Pending)):
        condition = {"type": "ReplicaFailure", "status": "True", "message": message}
        status = {"observedGeneration": 2, "conditions": [condition]}
        assert isinstance(workloads.deployment(look(live({}, status))), expected)


def test_a_missed_progress_deadline_fails_with_what_is_wrong_with_the_pods() -> None:
    condition = {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
    status = {"observedGeneration": 2, "conditions": [condition]}
    unready = pod({"state": {"running": {}}}, phase="Running")
    replica_set = live({"selector": {}})
    replica_set["metadata"] |= {"ownerReferences": [{"uid": "1"}]}
    event = {"reason": "Unhealthy", "message": "Readiness probe failed: 503"}
    seen = look(live({}, status), FakeCluster(ReplicaSet=[replica_set], Pod=[unready], Event=[event]))
    seen._started -= 10
    verdict = workloads.deployment(seen)
    assert isinstance(verdict, Failed)
    assert any("Readiness probe failed: 503" in reason for reason in verdict.reasons)


def test_a_trouble_that_goes_away_starts_anew() -> None:
    seen, trouble = look({}), Trouble("a", "text", 5.0)
    assert isinstance(weigh(seen, [trouble], "doing"), Pending)
    seen._since["a"] -= 6
    assert isinstance(weigh(seen, [trouble], "doing"), Failed)
    assert isinstance(weigh(seen, [], "doing"), Pending)
    assert isinstance(weigh(seen, [trouble], "doing"), Pending)


def test_a_container_without_a_readiness_probe_proves_itself_by_lasting() -> None:
    assert pods.proven({"containers": [{"name": "a"}]}) == Ready(pods.UNPROBED_SECONDS)
    assert pods.proven({"containers": [{"name": "a", "readinessProbe": {}}]}) == Ready()


@pytest.mark.parametrize(
    ("updated", "available", "ready"), [(1, 1, True), (1, 0, False), (0, 1, False), (0, 0, False)]
)
def test_a_daemonset_is_ready_once_every_node_has_its_new_pod(
    updated: int, available: int, ready: bool
) -> None:
    status = {
        "observedGeneration": 2,
        "desiredNumberScheduled": 1,
        "updatedNumberScheduled": updated,
        "numberAvailable": available,
    }
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": {"spec": {"containers": []}}}
    verdict = workloads.daemon_set(look(live(spec, status)))
    assert isinstance(verdict, Ready) is ready
