"""The engine of an ONNX model for the GPU at hand and one frame size: taken from the cache, or built into it.

Building belongs to `coconet build`, in a process of its own: what TensorRT takes for it is given back, and a build that
ends its process does not end a run.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from coconet.cards.engine_card import BuildKey, BuildOptions, Flavour, read_engine_card
from coconet.cards.frame_size import FrameSize, SizeProfile
from coconet.cards.model_card import ModelCard
from coconet.errors import CoconetError
from coconet.event_log import note_once, warn_once
from coconet.files import make_folder
from coconet.model_endings import ENGINE_SUFFIX
from coconet.runtime.backends.tensorrt.cuda_device import CudaDevice
from coconet.runtime.backends.tensorrt.module import rtx_module, tensorrt_module
from coconet.writing.scratch import ScratchFolder

MINUTES: dict[Flavour, str] = {"tensorrt": "minutes, on a Jetson up to a quarter of an hour", "tensorrt_rtx": "seconds"}
"""How long a build takes; TensorRT times kernels for every layer, TensorRT for RTX leaves that to the first run."""

LONGEST_BUILD_S = 3600.0
"""A build that takes longer is not said to go on any more."""

_END_S = 10.0  # for a build that was asked to end

_SAY_S = 10.0

_RTX_MODULES = ("tensorrt_rtx", "tensorrt_rtx_bindings")


def place_in(folder: Path, key: BuildKey) -> Path:
    """Where a cache keeps the engine of a key."""
    return folder / f"{key.digest()}{ENGINE_SUFFIX}"


@dataclass(frozen=True)
class OwnEngine:
    """A model and the frame size that it is to run at here; device: the GPU.

    size: None for a model of one size.
    """

    model: Path
    size: FrameSize | None
    device: CudaDevice
    folder: Path

    def ready(self, building: Callable[[], object] = lambda: None) -> Path:
        """Give the engine, from the cache or after a build that shows its progress on stderr.

        building: is called again and again while a build goes on.
        Raises CoconetError if no TensorRT is there, and if the build ends without an engine.
        """
        flavour = flavour_of(self.device)
        if flavour is None:
            raise CoconetError(
                self.model,
                wanted=f"a TensorRT for {self.device.name} ({self.device.sm})",
                got="none that is installed",
                remedy="coconet doctor says how to install one.",
                says=f"needs a TensorRT for {self.device.name} ({self.device.sm}), and none is installed",
            )
        key = self.key(flavour)
        kept = place_in(self.folder, key)
        if _is_of(kept, key):
            note_once(f"the engine of {self.model.name} {self._for()} comes from {self.folder}")
            return kept
        return self._built(flavour, self._room_for(kept), building)

    def key(self, flavour: Flavour) -> BuildKey:
        """What the engine is told apart by; that of the same build by `coconet build`."""
        from coconet.cards.onnx_card import read_onnx

        rtx, sm = flavour == "tensorrt_rtx", self.device.sm
        module = rtx_module() if rtx else tensorrt_module("building engines")
        profile = None if self.size is None else SizeProfile(self.size, self.size, self.size)
        identity = None if rtx else self.device.identity
        options = BuildOptions((sm,) if rtx else (), profile)
        return BuildKey(read_onnx(self.model).sha256, flavour, str(module.__version__), (sm,), identity, options)

    def command(self, flavour: Flavour, out: Path) -> list[str]:
        """The call of `coconet build`."""
        gpu = ["--gpu", self.device.sm] if flavour == "tensorrt_rtx" else []
        sizes = [] if self.size is None else [f"--{end}={self.size}" for end in ("min", "opt", "max")]
        words = [str(self.model), *gpu, *sizes, "--out", str(out), "--cache", str(self.folder), "--overwrite"]
        return [sys.executable, "-m", "coconet", "build", *words]

    def _room_for(self, kept: Path) -> Path:
        """The place in the cache; one of this process alone if nothing can be kept there."""
        try:
            make_folder(self.folder)
            if os.access(self.folder, os.W_OK):
                return kept
            trouble = f"{self.folder} cannot be written to"
        except CoconetError as error:
            trouble = str(error)
        warn_once(f"the engine is built for this run alone: {trouble}")
        return _scratch_folder() / kept.name

    def _built(self, flavour: Flavour, out: Path, building: Callable[[], object]) -> Path:
        note_once(f"building an engine of {self.model.name} {self._for()}, once: it takes {MINUTES[flavour]}")
        begun = time.monotonic()
        code = _run(self.command(flavour, out), building)
        if code or not out.is_file():
            raise CoconetError(
                self.model,
                wanted="an engine of it for this GPU",
                got=f"a build that ended with exit code {code}, for the reason above",
                remedy="Take another --backend, or build it with coconet build to see more.",
                says=f"has no engine for this GPU: building one ended with exit code {code}, for the reason above",
            )
        note_once(f"the engine was built in {time.monotonic() - begun:.0f} s and lies in {out.parent}")
        return out

    def _for(self) -> str:
        size = f" and frames of {self.size}" if self.size else ""
        return f"for {self.device.name}{size}"


def engine_size(card: ModelCard, frame_px: tuple[int, int]) -> FrameSize | None:
    """The size to build for when frames of (height, width) come; None for a model of one size.

    Raises CoconetError for frames that the model does not take.
    """
    if card.height_px and card.width_px:
        return None
    if card.size_within(*frame_px) != frame_px:
        size = "x".join(map(str, frame_px))
        raise CoconetError(
            f"frames of {size}",
            wanted="a size that the model was exported for",
            got=size,
            remedy="Export the model for it with --size or --dynamic.",
            says="do not fit: the model was not exported for this size",
        )
    return FrameSize(*frame_px)


def flavour_of(device: CudaDevice) -> Flavour | None:
    """The TensorRT of a device before that for RTX cards, which knows only some GPUs."""
    if find_spec("tensorrt"):
        return "tensorrt"
    if any(find_spec(name) for name in _RTX_MODULES):
        return "tensorrt_rtx" if hasattr(rtx_module().ComputeCapability, device.sm.upper()) else None
    return None


def _is_of(engine: Path, key: BuildKey) -> bool:
    """Whether a whole engine of a key lies there."""
    try:
        return engine.is_file() and BuildKey.of(read_engine_card(engine)) == key
    except (CoconetError, OSError):
        return False


def _run(command: Sequence[str], meanwhile: Callable[[], object], every_s: float = _SAY_S) -> int:
    """Run a process to its end; it ends before this one does. Standard output may be a stream, so it gets none.

    meanwhile: is called at once, and then every `every_s` up to LONGEST_BUILD_S.
    """
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603  our own interpreter and command
    try:
        for _ in range(int(LONGEST_BUILD_S / every_s)):
            meanwhile()
            with suppress(subprocess.TimeoutExpired):
                return process.wait(every_s)
        return process.wait()
    except BaseException:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_S)
        process.kill()
        raise


def _scratch_folder() -> Path:
    """A folder that goes with this process."""
    folder = ScratchFolder()
    atexit.register(folder.cleanup)
    return Path(folder.name)
