"""nginx with the configuration that docs/live.md gives for a page under a prefix."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.rigs.live_rig import until

DOCUMENT = Path(__file__).parents[3] / "docs" / "live.md"

AROUND = """
daemon off;
pid {folder}/pid;
error_log {folder}/errors;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        {location}
    }}
}}
"""


@contextmanager
def nginx(target: str, prefix: str, folder: Path) -> Iterator[str]:
    """Serve `target` under a prefix inside the block, by nginx; gives the address of the page there.

    folder: takes its files. Skips the test where nginx is not installed.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    found = re.search(r"^location /rig/ \{.*?^\}", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None
    location = found[0].replace("/rig/", f"{prefix}/", 1).replace("127.0.0.1:8000", urlsplit(target).netloc)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder.mkdir()
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, port=port, location=location))
    with subprocess.Popen([program, "-c", folder / "nginx.conf", "-e", folder / "errors"]) as process:
        try:
            assert until(lambda: process.poll() is None and _answers(port)), (folder / "errors").read_text()
            yield f"http://127.0.0.1:{port}{prefix}/"
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
