"""The name of every rule a flaw can break, and what it asks; tools that group flaws show these words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from infra.settings import rules

OF_FILES = {
    "no-file": "A stack has a stack file that can be read.",
    "stack-name": "A stack is called sandbox or <team>-<env>.",
    "too-large": "A stack file is small; anything large is another file.",
    "encoding": "Files are UTF-8.",
    "empty": "A stack file names at least its cluster and its image.",
    "yaml-syntax": "Files are YAML with one mapping of keys to values.",
    "yaml-alias": "Values are written out: no anchors, aliases or merge keys, which Pulumi does not keep.",
    "yaml-tag": "Values are plain: no tags.",
    "duplicate-key": "A key stands once.",
}
OF_KEYS = {
    "unknown-key": "Every key is known.",
    "wrong-namespace": "Sections stand in the project's namespace; in a profile, without one.",
    "wrong-type": "A value has its field's type.",
    "out-of-range": "A number lies within its field's range.",
    "wrong-form": "A text has its field's form.",
    "not-in-vocabulary": "A word is one of its field's vocabulary.",
    "empty-value": "A key has a value.",
}
OF_SECRETS = {
    "plain-secret": "A secret stands encrypted, below the secrets of its stack.",
    "missing-secret": "A stack holds every secret that its settings need.",
    "development-token": "A development token exists in development only.",
    "secrets-provider": "Secrets are encrypted with a passphrase or a key service that Pulumi knows.",
    "missing-key": "A file with secrets holds what they are decrypted with.",
}
NOTES = {
    "backups-beside-the-data": "Backups survive the loss of the cluster that they are made in.",
    "alerts-told-to-nobody": "Somebody hears of an alert.",
    "operator-has-its-own": "What only a Prometheus of the stack's own has is set where it runs one.",
    "network-left-open": "In production pods reach what the stack declares and nothing else.",
    "service-called-by-nobody": "In production somebody can call the service.",
    "gateway-proxies-elsewhere": "The proxies of a Gateway are let through the stack's policies.",
}


RULES: Mapping[str, str] = MappingProxyType(
    OF_FILES | OF_KEYS | OF_SECRETS | NOTES | {rules.name(rule): rules.reason(rule) for rule in rules.RULES}
)
