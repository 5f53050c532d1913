"""The stack config as typed, frozen values. ``check.load`` reads files; ``load.load`` runs inside Pulumi."""
