"""What every module stands on: errors, logs, metrics, database, cache, identity, health."""
