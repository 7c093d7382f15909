"""Writing: what is needed before a file is whole."""
