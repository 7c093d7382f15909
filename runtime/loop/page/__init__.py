"""The page that a run leaves: its figures, what happened to its cameras, and three of its frames."""
