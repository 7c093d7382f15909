"""From what cameras give to what a backend takes."""
