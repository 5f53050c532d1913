"""Monitoring by the cluster's own prometheus-operator: what it reads, and no server of ours."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_kubernetes import apiextensions, meta

from infra.components.base import Component, Context, name_of
from infra.render import operator as render
from infra.render.operator import Object
from infra.settings.model import Settings
from infra.settings.secrets import SecretName


class Operated(Component):
    """No outputs: where the cluster's Prometheus and Alertmanager are is their operators' matter."""

    def __init__(
        self,
        context: Context,
        settings: Settings,
        secrets: Mapping[SecretName, pulumi.Output[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """``secrets``: those of the receivers that are set."""
        super().__init__(render.COMPONENT, context, opts)
        self.settings = settings
        for wanted in (*render.monitors(settings), *render.probes(settings)):
            self._object(wanted.name, wanted, wanted.spec)
        rules = render.rules(settings)
        self._object("rules", rules, rules.spec)
        receivers = render.receivers(settings, "")
        told: pulumi.Input[dict[str, object]] = receivers.spec
        if secrets:
            auth = self.secret("auth", {name.value: value for name, value in secrets.items()})
            told = name_of(auth).apply(lambda name: render.receivers(settings, name).spec)
        self._object("receivers", receivers, told)
        self.register_outputs({})

    def _object(self, part: str, wanted: Object, spec: pulumi.Input[dict[str, object]]) -> None:
        apiextensions.CustomResource(
            self.child(part),
            api_version=wanted.api_version,
            kind=wanted.kind,
            metadata=meta.v1.ObjectMetaArgs(
                name=wanted.name,
                namespace=self.context.namespace,
                labels=render.labels(self.settings, wanted.part),
            ),
            spec=spec,
            opts=self.options(),
        )
