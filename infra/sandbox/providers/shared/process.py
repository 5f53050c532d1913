"""A plugin's process: its gRPC server starts, and ends with the engine that started it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from infra.sandbox.providers.shared.wire import only_messages

WORKERS = 64  # a wait holds its worker; the engine never asks for more than its parallelism at once
MAX_MESSAGE_BYTES = 400 * 1024 * 1024  # the engine's own limit
ORPHAN_CHECK_SECONDS = 1.0


def serve(arguments: list[str], servicer: Callable[[str], Any]) -> None:
    """Serve until the engine is gone. arguments: flags, which are ignored, then the engine's address.

    servicer: makes the servicer from that address; it may import the engine's messages, its module may not.
    """
    plain = [argument for argument in arguments if not argument.startswith("-")]
    options = [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ]
    only_messages()
    # Not before: this imports the engine's messages.
    from pulumi.runtime.proto import provider_pb2_grpc

    server = grpc.server(ThreadPoolExecutor(WORKERS), options=options)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer(plain[-1] if plain else ""), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    _wait_for_the_end()
    server.stop(grace=None)
    # Threads in a wait would keep a plugin alive that nobody asks any more.
    os._exit(0)


def _wait_for_the_end() -> None:
    """Return when told to end, or when the engine that started this process is gone."""
    parent, told = os.getppid(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    # The engine ends its plugins by SIGINT. A Ctrl-C at the terminal comes only to a plugin without a
    # process group of its own, and is the engine's to handle there: it calls Cancel.
    own_group = os.getpgrp() == os.getpid()
    signal.signal(signal.SIGINT, (lambda *_: told.set()) if own_group else signal.SIG_IGN)
    while os.getppid() == parent and not told.wait(ORPHAN_CHECK_SECONDS):
        pass
