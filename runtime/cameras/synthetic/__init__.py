"""The synthetic rig: a street as both cameras see it."""
