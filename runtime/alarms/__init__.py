"""Alarms: what is too hot, too cold or changes too fast, and where that is reported."""
