"""Runs the Pulumi CLI on this machine: its commands, locks, state, passphrase, and encrypted values."""
