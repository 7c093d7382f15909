"""The doctor: what this machine can run, gathered from small probes that each look at one thing."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from coconet.runtime.doctor.codecs import decoder_findings, encoder_findings
from coconet.runtime.doctor.commands import command_findings
from coconet.runtime.doctor.finding import Finding
from coconet.runtime.doctor.gpu import driver_cuda, gpu_findings
from coconet.runtime.doctor.jetson import jetson_findings
from coconet.runtime.doctor.packages import package_findings
from coconet.runtime.doctor.rig import usb_findings
from coconet.runtime.doctor.v4l2 import V4l2Device, v4l2_devices

COLOURS = {"ok": "green", "note": "yellow", "bad": "red"}

_STATE_WIDTH = max(map(len, COLOURS))

SCHEMA = 1
"""Version of the JSON's layout; it goes up whenever a reader would have to change."""


@dataclass(frozen=True)
class Diagnosis:
    """Everything that was found, in the order in which it is shown."""

    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing is bad."""
        return all(finding.state != "bad" for finding in self.findings)

    def to_json(self) -> str:
        """Write it for programs."""
        lines = [dataclasses.asdict(finding) for finding in self.findings]
        return json.dumps({"schema": SCHEMA, "healthy": self.healthy, "findings": lines}, indent=2)

    def to_lines(self) -> Iterator[Text]:
        """Lay it out for a terminal that wraps by itself: a finding a line, and its fix on a line of its own.

        So a command can be copied whole, however narrow the terminal is.
        """
        width = max((len(finding.subject) for finding in self.findings), default=0)
        for finding in self.findings:
            state = Text(f"{finding.state:<{_STATE_WIDTH}}", style=COLOURS[finding.state])
            yield state.append(f"  {finding.subject:<{width}}  {finding.found}", style="default")
            if finding.remedy:
                yield Text(f"{'':{_STATE_WIDTH}}  -> {finding.remedy}", "bold red" if finding.state == "bad" else "dim")


def diagnose(root: Path = Path("/")) -> Iterator[Finding]:
    """Look at this machine, one finding after the other; the packages take seconds. root: where /proc and /sys lie."""
    yield from jetson_findings(root)
    yield from gpu_findings(root)
    devices = v4l2_devices(root)
    yield from camera_findings(devices)
    yield from usb_findings([device.path for device in devices], root)
    cuda = driver_cuda()
    yield from package_findings(cuda_major=None if cuda is None else int(cuda.partition(".")[0]))
    yield from encoder_findings(root)
    yield from decoder_findings(root)
    yield from command_findings()


def camera_findings(devices: Sequence[V4l2Device]) -> Iterator[Finding]:
    """Say what each V4L2 camera gives."""
    if not devices:
        yield Finding("cameras", "note", "no V4L2 camera; network cameras and recordings need none")
    for device in devices:
        subject = f"camera {device.by_id or device.path}"
        if device.problem is not None:
            user = os.environ.get("USER", "$USER")
            remedy = f"sudo usermod -aG video {user}  # then log in again"
            if "ermission" not in device.problem:
                remedy = "sudo fuser -v " + str(device.path)
            yield Finding(subject, "bad", device.problem, remedy)
        else:
            formats = "; ".join(
                f"{one.fourcc.strip()} {' '.join(f'{width}x{height}' for width, height in one.sizes_px)}".strip()
                for one in device.formats
            )
            yield Finding(subject, "ok", f"{device.name} ({device.driver}): {formats or 'no formats'}")
