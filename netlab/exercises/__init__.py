"""The exercises' cases and hints, a module per chapter: `from netlab.exercises import addresses as check`."""
