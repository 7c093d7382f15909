"""Studies of temperatures and alarms."""
