"""The rig file, what opens it, edits it and records from it."""
