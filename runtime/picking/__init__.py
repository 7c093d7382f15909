"""Picking: which backend and precision fuses fastest on this machine, measured once and remembered."""
