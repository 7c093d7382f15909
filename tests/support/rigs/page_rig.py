"""A rig file that runs, with its alarms and its live page; its cameras can be made to fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from coconet.benchmarks.endurance.background_run import fusing
from coconet.benchmarks.endurance.faults import Injector
from coconet.runtime.alarms.open_alarms import open_alarms
from coconet.runtime.cameras.open_camera import ROLES, Role
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.viewers.live_page import LivePage, PageSettings

STREET = """
[visible]
address = "synthetic://?fps={fps}&width={width}&height={height}"
[infrared]
address = "synthetic://?fps={fps}&width={width}&height={height}&counts=true"
[infrared.temperature]
scheme = "lepton"
"""
"""The synthetic street, whose infrared camera gives counts."""


@dataclass(frozen=True)
class PageRig:
    """What a test can do to it. injectors: set the fault of a camera."""

    page: LivePage
    tuner: AdjustableRig
    injectors: dict[Role, Injector]

    def meters(self) -> dict[str, str]:
        """The meters of the rig now, and their kinds."""
        return {one.name: one.kind for one in self.tuner.rig.meter}


@contextmanager
def page_rig(folder: Path, text: str, page: PageSettings | None = None, model: str = "average") -> Iterator[PageRig]:
    """Run the rig of a text inside the block; captures go into `folder`, or to where `page` says."""
    file = folder / "rig.toml"
    file.write_text(text)
    rig, gauge = Rig.from_file(file).model_copy(update={"realtime": True}), RunStats()
    injectors: dict[Role, Injector] = {role: Injector() for role in ROLES}
    tuner = AdjustableRig(rig, file, opener=lambda opened, side: injectors[side].open(opened, side))
    settings = page or PageSettings(port=0, captures=folder / "captures")
    with open_alarms(rig, gauge), LivePage(gauge, settings, tuner) as shown, fusing(tuner.open, model, gauge):
        yield PageRig(shown, tuner, injectors)
