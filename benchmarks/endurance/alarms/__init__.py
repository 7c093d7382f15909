"""Alarms in a soak: what is watched, and who receives the events."""
