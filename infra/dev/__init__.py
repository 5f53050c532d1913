"""`slipway dev`: the service with reload on a PostgreSQL and a Redis of its own, without a cluster."""
