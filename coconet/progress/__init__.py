"""What a command is doing, and how far it is."""
