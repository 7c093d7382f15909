"""Published fusion networks, one file each, written from descriptions of what their weights compute."""
