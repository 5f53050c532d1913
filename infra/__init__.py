"""Everything around the service: settings, resources, the sandbox, releases, and the slipway command."""

import gc

# Imports make a hundred thousand objects that all stay. To look through them again after every 700 takes a
# fifth of the time in which a command or the program starts, and a rollback waits for both.
gc.set_threshold(50_000)
