"""Receivers of alarm events, in a process of their own: a web server, and a client of a broker.

`python -m coconet.benchmarks.endurance.alarms.receiver_process [BROKER]`

Every line on stdin is answered by the port of the web server, and by how many events it and the client have got.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

TOPIC = "coconet/alarms"


class Receivers:
    """Counts events, each once, however often it comes. posted: those of the webhook. heard: those of the broker."""

    def __init__(self, broker: str) -> None:
        """Receive at a free port, and from a broker; an empty address is none."""
        self.posted: set[int] = set()
        self.heard: set[int] = set()
        self._server = HTTPServer(("127.0.0.1", 0), self._handler())
        Thread(target=self._server.serve_forever, daemon=True).start()
        if broker:
            self._subscribe(broker)

    def as_dict(self) -> dict[str, int]:
        """What there is to say."""
        return {"port": self._server.server_port, "posted": len(self.posted), "heard": len(self.heard)}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receivers = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receivers.posted.add(int(event["serial"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_words: Any) -> None:
                """Say nothing."""

        return Handler

    def _subscribe(self, broker: str) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        place, client = urlsplit(broker), Client(CallbackAPIVersion.VERSION2)

        def subscribe(*_words: Any) -> None:
            client.subscribe(f"{TOPIC}/#", 1)

        client.on_connect = subscribe
        client.on_message = self._hear
        client.connect_async(place.hostname or "", place.port or 0)
        client.loop_start()

    def _hear(self, _client: Any, _data: Any, message: Any) -> None:
        self.heard.add(int(json.loads(message.payload)["serial"]))


def main() -> None:
    """Receive until stdin ends."""
    os.nice(19)  # receivers sit at other machines: here they must not take what the loop needs
    receivers = Receivers(*sys.argv[1:2] or [""])
    for _ in sys.stdin:
        print(json.dumps(receivers.as_dict()), flush=True)


if __name__ == "__main__":
    main()
