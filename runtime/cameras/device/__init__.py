"""Cameras of this machine: V4L2 devices, what they send, and the bus that they share."""
