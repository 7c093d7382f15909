"""Pages for a browser: how they are made with pictures inside them, and how one is opened."""
