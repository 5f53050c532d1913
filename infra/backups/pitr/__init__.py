"""Point-in-time recovery: base backups made in the postgres pod, and the data folder restored to a second.

pgBackRest does the work; its configuration is a secret file that infra/render/pitr.py writes. ADR 0018.
"""
