"""Prometheus, Alertmanager, the exporters, and what each of them may read of the cluster."""
