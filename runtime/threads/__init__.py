"""Threads: one that works until it is stopped, one beside a bounded queue, and the signals that stop a command."""
