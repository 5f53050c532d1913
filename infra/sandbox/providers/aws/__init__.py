"""The ``aws`` provider plugin of the tests: buckets and IAM over boto3, on a moto server of this machine.

On AWS itself the official plugin runs; docs/decisions/0017 says why this one exists.
"""

VERSION = "7.51.1"  # of the pulumi-aws SDK whose requests it answers
