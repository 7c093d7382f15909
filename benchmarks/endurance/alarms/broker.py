"""An MQTT broker of this machine: mosquitto, where it is installed and its client too."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

_START_S = 20.0


@contextmanager
def running_broker(folder: Path) -> Iterator[str]:
    """Run mosquitto inside the block, configured in `folder`; give its address, empty if there is none."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is None or find_spec("paho") is None:
        yield ""
        return
    port = free_port()
    file = folder / "mosquitto.conf"
    file.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    quiet, words = subprocess.DEVNULL, [program, "-c", str(file)]
    with subprocess.Popen(words, stdout=quiet, stderr=quiet) as process:  # noqa: S603  the one that was found
        try:
            end_s = time.monotonic() + _START_S
            while not _answers(port) and process.poll() is None and time.monotonic() < end_s:
                time.sleep(0.05)
            yield f"mqtt://127.0.0.1:{port}"
        finally:
            process.kill()  # it keeps nothing


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        return int(one.getsockname()[1])


def _answers(port: int) -> bool:
    with closing(socket.socket()) as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
