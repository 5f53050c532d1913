"""Reads a kubeconfig, given as a path or as YAML, into what an HTTPS client needs. No exec plugins."""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.errors import UserError

SECTIONS = ("contexts", "clusters", "users")
REMEDY = "slipway sandbox status shows whether the cluster runs and where its kubeconfig is"


@dataclass(frozen=True)
class Connection:
    """server: https URL; namespace: of the context, or None; tls and headers: how to authenticate."""

    server: str
    namespace: str | None
    tls: ssl.SSLContext
    headers: dict[str, str]


@dataclass(frozen=True)
class Entry:
    """What a context names: its own name, itself, and the cluster's and user's data."""

    context: str
    settings: dict[str, Any]
    cluster: dict[str, Any]
    user: dict[str, Any]


def given_paths(given: str) -> list[Path] | None:
    """The files of a kubeconfig: the path given, else KUBECONFIG, else ~/.kube/config; None: content."""
    if "\n" in given or given.lstrip().startswith("{"):
        return None
    shells = [name for name in os.environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    return [Path(name).expanduser() for name in ([given] if given else shells or ["~/.kube/config"])]


def merged(given: str) -> dict[str, Any]:
    """The kubeconfig, of several files as kubectl merges them: who says a thing first is believed, and a file
    that there is not is passed over. Raises UserError where there is none, or one is no kubeconfig."""
    files = given_paths(given)
    if files is None:
        return _parsed(given)
    there = [path for path in files if path.exists()] or files[-1:]
    configs = [_parsed(_text(path)) for path in there]
    named = {
        section: [item for config in configs for item in config.get(section) or []] for section in SECTIONS
    }
    current = next((config["current-context"] for config in configs if config.get("current-context")), "")
    return {**named, "current-context": current}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError.of(
            "kubernetes:kubeconfig", f"{path} cannot be read: {error.strerror}", REMEDY
        ) from error


def entry(given: str, *, context: str = "", cluster: str = "") -> Entry:
    """The named (or current) context and what it names. Raises UserError for anything missing in the file."""
    config = merged(given)
    chosen = context or config.get("current-context") or ""
    settings = _named(config, "contexts", chosen).get("context") or {}
    server = _named(config, "clusters", cluster or settings.get("cluster", "")).get("cluster") or {}
    user = _named(config, "users", settings["user"]).get("user") or {} if settings.get("user") else {}
    return Entry(chosen, settings, server, user)


def connection(given: str, *, context: str = "", cluster: str = "") -> Connection:
    """The connection of the named (or current) context. Raises UserError for anything missing in the file."""
    found = entry(given, context=context, cluster=cluster)
    if not found.cluster.get("server"):
        raise UserError.of(
            "kubernetes:kubeconfig", f'the cluster of context "{found.context}" has no server', REMEDY
        )
    headers = {"Authorization": f"Bearer {token}"} if (token := _token(found.user)) else {}
    server, tls = found.cluster["server"].rstrip("/"), _tls(found.cluster, found.user)
    return Connection(server, found.settings.get("namespace"), tls, headers)


def server_of(given: str, *, context: str = "", cluster: str = "") -> str | None:
    """The server address a kubeconfig leads to, or None if it cannot be told."""
    try:
        return connection(given, context=context, cluster=cluster).server
    except UserError:
        return None


def _parsed(text: str) -> dict[str, Any]:
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or "no YAML"
        raise UserError.of("kubernetes:kubeconfig", f"is not a kubeconfig: {problem}", REMEDY) from error
    if not isinstance(config, dict):
        raise UserError.of("kubernetes:kubeconfig", "is not a kubeconfig: no mapping", REMEDY)
    return config


def _named(config: dict[str, Any], section: str, name: str) -> dict[str, Any]:
    entries: list[dict[str, Any]] = config.get(section) or []
    for entry in entries:
        if entry.get("name") == name:
            return entry
    known = ", ".join(str(entry.get("name")) for entry in entries) or "none"
    raise UserError.of("kubernetes:kubeconfig", f'{section} has no "{name}" (it has: {known})', REMEDY)


def _token(user: dict[str, Any]) -> str:
    if user.get("exec") or user.get("auth-provider"):
        what = "the user is authenticated by a command, which the sandbox plugin does not run"
        raise UserError.of("kubernetes:kubeconfig", what, "use the official plugin for that cluster")
    if user.get("tokenFile"):
        return Path(user["tokenFile"]).read_text(encoding="utf-8").strip()
    return str(user.get("token") or "")


def _tls(server: dict[str, Any], user: dict[str, Any]) -> ssl.SSLContext:
    authority = _pem(server, "certificate-authority")
    context = ssl.create_default_context(cadata=authority or None)
    if server.get("insecure-skip-tls-verify"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    certificate, key = _pem(user, "client-certificate"), _pem(user, "client-key")
    if certificate and key:
        _load_client(context, certificate, key)
    return context


def _load_client(context: ssl.SSLContext, certificate: str, key: str) -> None:
    # ssl only reads client certificates from a file: one that only we can read, for the moment of loading.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(f"{certificate}\n{key}\n")
        file.flush()
        context.load_cert_chain(file.name)


def _pem(section: dict[str, Any], key: str) -> str:
    if inline := section.get(f"{key}-data"):
        return base64.b64decode(inline).decode()
    return Path(section[key]).read_text(encoding="utf-8") if section.get(key) else ""
