"""The ``kubernetes`` provider plugin of the sandbox and the tests: server-side apply, waiting for readiness.

Any other stack runs the official plugin; docs/decisions/0003 says why this one exists and where it differs.
"""

VERSION = "4.34.2"  # of the pulumi-kubernetes SDK whose requests it answers
