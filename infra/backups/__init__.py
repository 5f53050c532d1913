"""The program that runs in the pods of backups: dump, retention, restore, drill and the figures about them.

It knows nothing of Pulumi or of stack files: its whole configuration is config.py, and of ``infra`` it
imports nothing but ``infra.errors``. One image holds it everywhere; infra/components/backups.py starts it.
"""
