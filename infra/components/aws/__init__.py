"""What a stack has at AWS. The one place that imports pulumi_aws: a stack without AWS does not pay for it."""
