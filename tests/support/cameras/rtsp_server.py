"""An RTSP server of one camera: a folder of JPEG pictures for ever, at a rate, each up to some ms late.

Run by the Python that has GStreamer's bindings: rtsp_server.py PORT FOLDER FPS JITTER_MS
"""

import random
import sys
import time
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

port, folder, fps, jitter_ms = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
pictures = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]
Gst.init(None)


class Sender:
    """Gives a picture at its time, or a little later, stamped with its time."""

    def __init__(self) -> None:
        self.began, self.sent = time.monotonic(), 0

    def push(self, source: Any, _size: int) -> None:
        due_s = self.sent / fps
        late_s = random.uniform(0, jitter_ms) / 1000  # noqa: S311  no secret
        time.sleep(max(0.0, self.began + due_s + late_s - time.monotonic()))
        buffer = Gst.Buffer.new_wrapped(pictures[self.sent % len(pictures)])
        buffer.pts = round(due_s * Gst.SECOND)
        self.sent += 1
        source.emit("push-buffer", buffer)


def configure(_factory: object, media: Any) -> None:
    media.get_element().get_by_name("source").connect("need-data", Sender().push)


factory = GstRtspServer.RTSPMediaFactory.new()
caps = f"image/jpeg,framerate={round(fps * 1000)}/1000"
factory.set_launch(
    f"( appsrc name=source is-live=true format=time max-bytes=1 caps={caps} ! jpegparse ! rtpjpegpay name=pay0 pt=26 )"
)
factory.set_shared(True)
factory.connect("media-configure", configure)
server = GstRtspServer.RTSPServer.new()
server.set_address("127.0.0.1")
server.set_service(port)
server.get_mount_points().add_factory("/camera", factory)
server.attach(None)
print("ready", flush=True)
GLib.MainLoop().run()
