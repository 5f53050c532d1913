"""boto3's clients for the configured endpoints, made when first needed: importing boto3 takes a while."""

from __future__ import annotations

import threading
from typing import Any

from infra.sandbox.providers.aws.serving import Settings

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 5, 30, 3
CONNECTIONS = 16  # the engine works on so many resources at once


class Clients:
    """One client for each service. Neither the machine's profile, nor its keys, nor its proxy are used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def s3(self) -> Any:
        """Buckets."""
        return self._client("s3")

    @property
    def iam(self) -> Any:
        """Users, keys and policies."""
        return self._client("iam")

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._made:
                self._made[service] = self._make(service)
            return self._made[service]

    def _make(self, service: str) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.session.Session().client(
            service,
            endpoint_url=self.settings.endpoints[service],
            region_name=self.settings.region,
            aws_access_key_id=self.settings.access_key,
            aws_secret_access_key=self.settings.secret_key,
            aws_session_token=self.settings.token,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"max_attempts": ATTEMPTS, "mode": "standard"},
                max_pool_connections=CONNECTIONS,
                proxies={},
                s3={"addressing_style": "path"},
            ),
        )
