"""Pictures and videos: reading, writing, pairing, drawing."""
