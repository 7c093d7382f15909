"""How long a test waits for what is bound to happen: long enough under any load, short enough to end what hangs."""

from __future__ import annotations

PATIENCE_S = 120.0
"""Of real time. Nothing takes that long: a test that passes does not wait for it."""
