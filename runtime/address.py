"""Addresses of cameras: shown without their passwords, and taken apart."""

from __future__ import annotations


def redacted(address: str) -> str:
    """Return an address fit to be shown: what stands before its last @, user and password, becomes ***."""
    secret, _, rest = address.rpartition("@")
    if ":" not in secret:
        return address
    scheme, separator, _ = secret.partition("://")
    return f"{scheme}://***@{rest}" if separator else f"***@{rest}"
