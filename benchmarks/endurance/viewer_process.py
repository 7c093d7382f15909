"""Viewers of a live page without a browser, in a process of their own.

`python -m coconet.benchmarks.endurance.viewer_process URL COUNT`

A line on stdin says `watch` or `rest`; each is answered by how many pictures came since the line before.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from urllib.parse import urlsplit

from coconet.errors import MissingPackage

try:
    from websockets.asyncio.client import connect
except ImportError as error:
    raise MissingPackage("websockets", job="watching a live page", extra="web") from error


_WISHES = 2  # on their way at once, like the page

_WISH = json.dumps({"looks": [{"show": "fused"}]})


class ViewerConnections:
    """Connections to one page; each wishes for the next picture when it has got one, while they watch."""

    def __init__(self, address: str, count: int) -> None:
        self._address, self._count = address, count
        self._watching = asyncio.Event()
        self._pictures = 0

    async def run(self) -> None:
        """Watch until stdin ends."""
        viewers = [asyncio.create_task(self._view()) for _ in range(self._count)]
        while line := await asyncio.to_thread(sys.stdin.readline):
            if line.strip() == "watch":
                self._watching.set()
            else:
                self._watching.clear()
            print(self._pictures, flush=True)
            self._pictures = 0
        for viewer in viewers:
            viewer.cancel()

    async def _view(self) -> None:
        async with connect(self._address, compression=None, proxy=None, max_size=None) as socket:
            owed = 0
            while True:
                if not owed:
                    await self._watching.wait()
                while self._watching.is_set() and owed < _WISHES:
                    await socket.send(_WISH)
                    owed += 1
                await socket.recv()
                owed -= 1
                self._pictures += 1


if __name__ == "__main__":
    os.nice(19)  # viewers sit at other machines: here they must not take what the loop needs
    asyncio.run(ViewerConnections(f"ws://{urlsplit(sys.argv[1]).netloc}/watch", int(sys.argv[2])).run())
