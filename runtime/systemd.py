"""What systemd is told of a run: that it is ready, that it is alive, and how it stands.

The protocol is that of sd_notify(3): lines in a datagram to the socket named in NOTIFY_SOCKET.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


class Notifier:
    """Tells systemd, where it started this process as Type=notify; says nothing elsewhere.

    watchdog_s: within how many seconds it wants to hear that the process is alive, None where it does not.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        period_us = environment.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(period_us) / 1e6 if ours and period_us.isdigit() and self._address else None

    def tell(self, *lines: str) -> None:
        """Send lines such as READY=1, WATCHDOG=1 and STATUS=fusing."""
        if not self._address:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto("\n".join(lines).encode(), address)
