"""Alarms: what is too hot, too cold or changes too fast, and who is told of it."""
