"""What runs a model for a rig: a backend, and for TensorRT the engine of the size of the rig's frames."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from coconet.cards.onnx_metadata import read_onnx_card
from coconet.errors import CoconetError, ExitCode, ending_with
from coconet.event_log import warn_once
from coconet.media.naming.picture_names import is_picture
from coconet.model_endings import ENGINE_SUFFIX, ONNX_SUFFIX
from coconet.runtime.backends.choice import BackendChoice, choose_backend
from coconet.runtime.backends.tensorrt.cuda_device import first_cuda_device
from coconet.runtime.cache_folder import default_cache_folder
from coconet.runtime.cameras.camera import CameraAbsent
from coconet.runtime.cameras.open_camera import is_folder
from coconet.runtime.loop.supervisor import Notifier
from coconet.runtime.picking.candidate import candidates_of
from coconet.runtime.rig.open_rig import open_side
from coconet.runtime.rig.rig_file import Rig

PICK_VARIABLE = "COCONET_PICK"

_OFF = ("off", "0", "no", "false")  # in capital letters too


def choice_for(rig: Rig, model: Path | str, wanted: str = "auto") -> BackendChoice:
    """Choose what runs a model for a rig, and make the engine of an .onnx model that TensorRT is to run.

    Left to choose, an engine that cannot be made is a warning, and another backend takes over; on a processor the
    fastest form of the model is to be picked. Pictures in a folder may be of any size each, and get neither.
    systemd is asked for the minutes that a build takes.
    Raises CoconetError as choose_backend does, for a camera that gives no frame, and for an engine that was asked for
    and cannot be made.
    """
    choice = choose_backend(model, wanted, builds=wanted == "tensorrt" or not is_folder(rig.visible.address))
    if wanted == "auto" and choice.kind in ("ort", "torch") and len(candidates_of(model)) > 1:
        if why := why_nothing_is_picked(rig):
            return replace(choice, reason=f"{choice.reason}; {why}")
        return replace(choice, reason="the fastest form of the model here, picked at the first pair", picked_from=model)
    if choice.kind != "tensorrt" or choice.path.suffix != ONNX_SUFFIX:
        return choice
    from coconet.runtime.backends.tensorrt.own_engine import OwnEngine, engine_size

    card = read_onnx_card(choice.path)
    frame_px = (card.height_px or 0, card.width_px or 0)
    if 0 in frame_px:
        with ending_with(ExitCode.CAMERA):
            frame_px = _frame_px(rig)
    try:
        with ending_with(ExitCode.MODEL):
            own = OwnEngine(choice.path, engine_size(card, frame_px), first_cuda_device(), default_cache_folder())
            engine = own.ready(partial(Notifier().ask_for_time, f"building an engine of {choice.path.name}"))
    except CoconetError as error:
        if wanted != "auto":
            raise
        warn_once(f"TensorRT does not run the model, something else does. {error}")
        return choose_backend(model, wanted)
    return replace(choice, path=engine)


def check_engine(choice: BackendChoice) -> None:
    """Refuse an engine that is none or has no GPU, before one is made or the cameras are opened."""
    if choice.path.suffix == ENGINE_SUFFIX:
        from coconet.cards.engine_card import read_engine_card

        read_engine_card(choice.path)
    if choice.kind == "tensorrt":
        first_cuda_device()


def why_nothing_is_picked(rig: Rig, environment: Mapping[str, str] = os.environ) -> str:
    """Say why a model is run as it ships; empty for streams, of whose forms the fastest here is to be found.

    Not for pictures: those of a data set are to come out alike on every machine, and may be of any size each.
    """
    if environment.get(PICK_VARIABLE, "").lower() in _OFF:
        return f"faster forms are not looked for, as {PICK_VARIABLE} is off"
    if any(is_folder(one) or is_picture(Path(one)) for one in (rig.visible.address, rig.infrared.address)):
        return "pictures come out alike on every machine, so that faster forms are not looked for"
    return ""


def _frame_px(rig: Rig) -> tuple[int, int]:
    """Height and width of the visible camera's frames: of its first one, or, while it is absent, as the rig says."""
    try:
        with closing(open_side(rig, "visible")) as camera:
            frame = camera.read()
    except CameraAbsent:
        known = rig.alignment.size_px or rig.visible.size_px
        if known is None:
            raise
        return known[1], known[0]
    if frame is None:
        raise CoconetError(
            rig.visible.display_name,
            wanted="a frame, for its size",
            got="none",
            remedy="Check the camera or the file.",
            says="gives no frame, and the model is chosen by the size of one",
        )
    height, width = frame.pixels.shape[:2]
    return height, width
