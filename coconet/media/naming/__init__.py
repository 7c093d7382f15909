"""Decoding: the frames of a stream, which of them are whole, and their pixels."""
