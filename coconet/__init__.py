"""Infrared and visible image fusion on the edge: load a model and call it, open two cameras, run them, score pictures.

    with coconet.load("lite") as fuse:
        fused = fuse(visible, infrared)

`visible` is (H, W, 3) BGR, (H, W, 1) or (H, W) gray; `infrared` is (H, W, 1) or (H, W); all pictures are uint8 arrays.

Functions: load, open_rig, open_pairs, pair_cameras, run, measure, score, read_card, read_engine_card.
What they take and give: FusionModel, Rig, OwnCamera, PushedCamera, PairStream, FramePair, Frame, FusedFrame, RunReport,
Heat, Reading, AlarmEvent, Scores, ModelCard, EngineCard.
Errors: CoconetError and MissingPackage, which is one; ExitCode says what a command would have ended with.

docs/python.md has an example of each. Importing this module is quick: what a name needs is imported when it is used.
The networks, cameras, metrics and the rest are the packages below (coconet.networks, coconet.runtime, coconet.metrics);
they may change between versions, the names above stay.
"""

import os as _os
from importlib import import_module as _import_module
from pathlib import Path as _Path
from typing import TYPE_CHECKING

from coconet.checkout import find_parts as _find_parts
from coconet.errors import CoconetError, MissingPackage
from coconet.errors import ExitCode as ExitCode

if TYPE_CHECKING:
    from coconet.cards.engine_card import EngineCard as EngineCard
    from coconet.cards.model_card import ModelCard as ModelCard
    from coconet.metrics.scores import Scores as Scores
    from coconet.runtime.alarms.alarm_event import AlarmEvent as AlarmEvent
    from coconet.runtime.api.cameras import OwnCamera as OwnCamera
    from coconet.runtime.api.cameras import pair_cameras
    from coconet.runtime.api.card import read_card, read_engine_card
    from coconet.runtime.api.heat import measure
    from coconet.runtime.api.model import FusionModel, load
    from coconet.runtime.api.rig import open_pairs, open_rig
    from coconet.runtime.api.run import run
    from coconet.runtime.api.score import score
    from coconet.runtime.cameras.pushed import PushedCamera as PushedCamera
    from coconet.runtime.frame import Frame as Frame
    from coconet.runtime.frame import FramePair as FramePair
    from coconet.runtime.frame import FusedFrame as FusedFrame
    from coconet.runtime.heat.reading import Heat as Heat
    from coconet.runtime.heat.reading import Reading as Reading
    from coconet.runtime.loop.run_report import RunReport as RunReport
    from coconet.runtime.pairing.pair_stream import PairStream as PairStream
    from coconet.runtime.rig.rig_file import Rig as Rig

__version__ = "0.2.0"

_find_parts(_Path(__file__).parent)

# ONNX Runtime looks at this once, when it is imported: it would write a device number and a queue of events into the
# user's cache, and complain if there is no home. A value that is already set stays.
_os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# What help(coconet) prints in full. The other public names are records; help(coconet.Rig) shows one.
__all__ = [
    "CoconetError",
    "FusionModel",
    "MissingPackage",
    "load",
    "measure",
    "open_pairs",
    "open_rig",
    "pair_cameras",
    "read_card",
    "read_engine_card",
    "run",
    "score",
]

_HOMES = {
    "AlarmEvent": "coconet.runtime.alarms.alarm_event",
    "EngineCard": "coconet.cards.engine_card",
    "Frame": "coconet.runtime.frame",
    "FramePair": "coconet.runtime.frame",
    "FusedFrame": "coconet.runtime.frame",
    "FusionModel": "coconet.runtime.api.model",
    "Heat": "coconet.runtime.heat.reading",
    "ModelCard": "coconet.cards.model_card",
    "OwnCamera": "coconet.runtime.api.cameras",
    "PairStream": "coconet.runtime.pairing.pair_stream",
    "PushedCamera": "coconet.runtime.cameras.pushed",
    "Reading": "coconet.runtime.heat.reading",
    "Rig": "coconet.runtime.rig.rig_file",
    "RunReport": "coconet.runtime.loop.run_report",
    "Scores": "coconet.metrics.scores",
    "load": "coconet.runtime.api.model",
    "measure": "coconet.runtime.api.heat",
    "open_pairs": "coconet.runtime.api.rig",
    "open_rig": "coconet.runtime.api.rig",
    "pair_cameras": "coconet.runtime.api.cameras",
    "read_card": "coconet.runtime.api.card",
    "read_engine_card": "coconet.runtime.api.card",
    "run": "coconet.runtime.api.run",
    "score": "coconet.runtime.api.score",
}
"""Where each public name lives; a test holds these against the imports above, which only type checkers see."""


if not TYPE_CHECKING:  # a type checker that saw it would take any name, misspelt ones as well

    def __getattr__(name: str) -> object:
        """Import what a public name needs when it is first used, and keep it."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(_import_module(_HOMES[name]), name)
        return found


def __dir__() -> list[str]:
    """The public names, also those not used yet, and what every module has."""
    return sorted({*__all__, *_HOMES, "ExitCode", *(name for name in globals() if name.startswith("__"))})
