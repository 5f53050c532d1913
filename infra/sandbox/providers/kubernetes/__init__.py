"""The ``kubernetes`` provider plugin of the sandbox and the tests: server-side apply, waiting for readiness.

On any other cluster the official plugin runs; docs/decisions/0003 says why this one exists.
"""

VERSION = "4.34.2"  # of the pulumi-kubernetes SDK whose requests it answers
