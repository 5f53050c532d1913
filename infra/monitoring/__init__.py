"""What is watched: alerts as data. infra/render/alerts.py turns them into what Prometheus loads."""
