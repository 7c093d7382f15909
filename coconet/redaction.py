"""Redaction: addresses shown without their passwords."""

from __future__ import annotations

import re

_SECRET = re.compile(r"(?i)(\b(?:user-)?(?:pw|pwd|pass|passwd|password|token)\s*=\s*)(?:\"[^\"]*\"|[^&\s]+)")


def redacted(address: str) -> str:
    """Return an address fit to be shown.

    What stands before its last @, user and password, becomes ***, and so does what is given as pwd=, password=, token=
    or the like, in the query of an address or among the properties of a GStreamer element.
    """
    address = _SECRET.sub(r"\1***", address)
    secret, _, rest = address.rpartition("@")
    if ":" not in secret:
        return address
    scheme, separator, _ = secret.partition("://")
    return f"{scheme}://***@{rest}" if separator else f"***@{rest}"
