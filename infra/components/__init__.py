"""Pulumi component resources: frozen settings in, typed outputs out. None of them reads ``pulumi.Config``."""
