"""A loaded model that is called like a function: two arrays in, the fused one out."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING

from coconet.cards.model_card import ModelCard
from coconet.errors import CoconetError, ExitCode, ending_with
from coconet.runtime.api.arrays import Picture, check_same_size, colour_or_gray, gray
from coconet.runtime.arguments import check_heat, check_path, check_type
from coconet.runtime.backends.backend import Backend, WarpingBackend
from coconet.runtime.backends.choice import WORD_OR_FILE
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.backends.tiles.backend import tiled
from coconet.runtime.backends.tiles.limit import TileLimit
from coconet.runtime.balance import AS_MADE, apply_heat, find_coverage
from coconet.runtime.heat.placing import Placing
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.threads.process_end import finished_before_the_end

if TYPE_CHECKING:
    from typing_extensions import Self


class FusionModel:
    """A model that fuses one pair of pictures per call; `coconet.load` opens it, the end of a `with` block closes it.

    card: what the model is and expects. name: what runs it, such as `ONNX Runtime 1.32.0 (CPU)`.
    Any thread may call it; calls of several threads run one after the other.
    """

    card: ModelCard
    name: str

    def __init__(self, backend: Backend) -> None:
        """Take over an opened backend, and close it in the end."""
        self.card, self.name = backend.card, backend.name
        self._backend: Backend | None = backend
        self._lock = Lock()
        self._lies: Placing | None = None

    def __call__(self, visible: Picture, infrared: Picture, *, heat: float = AS_MADE) -> Picture:
        """Fuse two pictures of one size that lie on each other; the fused one is shaped like `visible`.

        visible: (H, W, 3) BGR, or gray as (H, W, 1) or (H, W). infrared: (H, W, 1) or (H, W). Both uint8, 0..255, in
        any memory layout; neither is changed. The picture returned is a new array of uint8.
        A model of the form `warped` takes an infrared picture of any size, once `align` has told it how that lies.
        heat: how strongly heat shows. 0 gives the visible picture alone, 50 what the model makes, 100 the brightness of
        the infrared picture in the colours of the visible one; between them it goes evenly.
        Raises CoconetError for other types and shapes, for unequal sizes of an unaligned pair, for sizes that the model
        does not take, and after `close`.
        """
        check_heat(heat)
        seen, thermal = colour_or_gray("visible picture", visible), gray("infrared picture", infrared)
        if self.card.form != "warped":
            check_same_size("infrared picture", thermal, seen)
        with finished_before_the_end(), self._lock:
            if self._backend is None:
                remedy = "Load it again with coconet.load, or call it inside the with block."
                raise CoconetError(
                    self.card.network, wanted="an open model", got="a closed one", remedy=remedy, says="is closed"
                )
            with ending_with(ExitCode.MODEL):
                fused = self._backend.fuse(seen, thermal)
            lies = self._lies
        if heat != AS_MADE:
            fused = _apply_heat(fused, seen, thermal, heat, lies)
        return fused.reshape(visible.shape)

    def fuse(self, visible: Picture, infrared: Picture) -> Picture:
        """Do the same under the name that backends have, so that a loaded model is one."""
        return self(visible, infrared)

    def align(self, alignment: Alignment | None) -> None:
        """Lay infrared pictures, each of its own size, as an alignment says from the next call on.

        alignment: of a rig, `rig.alignment.alignment()`; None for pictures that lie on each other already.
        Raises CoconetError for an alignment and a model that is not of the form `warped`.
        """
        if alignment is not None and self.card.form != "warped":
            raise CoconetError(
                self.card.network,
                wanted="a model that takes an alignment",
                got=f"one of the form {self.card.form}",
                remedy="Export it with coconet export --with-warp, or give it aligned pictures.",
                says=f"takes no alignment: it is a model of the form {self.card.form}",
            )
        with self._lock:
            self._lies = None if alignment is None else Placing(by_alignment=alignment)
            if isinstance(self._backend, WarpingBackend):
                self._backend.align(alignment)

    def close(self) -> None:
        """Release what the model holds, after a call under way in another thread; a second call does nothing."""
        with finished_before_the_end(), self._lock:
            backend, self._backend = self._backend, None
            if backend is not None:
                backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        closed = ", closed" if self._backend is None else ""
        return f"<{type(self).__name__} {self.card.network} {self.card.precision}, {self.name}{closed}>"


def _apply_heat(fused: Picture, seen: Picture, thermal: Picture, heat: float, lies: Placing | None) -> Picture:
    """The fused picture in another heat, an array of its own.

    lies: how the infrared picture is laid onto the visible one, if it is not yet.
    """
    laid, covered, size_px = thermal, None, (seen.shape[1], seen.shape[0])
    if lies is not None:
        laid, covered = lies.lay(thermal, size_px), find_coverage(lies, (thermal.shape[1], thermal.shape[0]), size_px)
    made = apply_heat(fused, seen, laid, heat, covered)
    return made.copy() if made is seen or made is laid else made


def load(model: Path | str, *, backend: str = "auto", tile_pixels: int | None = None) -> FusionModel:
    """Load a model that is then called on two arrays.

    model: an .onnx, .engine, .safetensors, .pth or .pt file, or a word: lite, lite-int8, coconet, or without a network
    average, maximum, pyramid, guided-filter, two-scale, gradient-transfer. backend: what runs it: auto (what this
    machine runs best), ort, ort-cuda, openvino, tensorrt or torch. tile_pixels: larger pictures are fused in parts of
    at most this many pixels; 0 never, None if they would take more than a quarter of the free memory.
    Raises CoconetError for a file that is missing, corrupt or not ours, and for a backend that does not run such a
    file; MissingPackage, which names what to install, if a package for it is missing.
    """
    check_path("model", model, WORD_OR_FILE)
    if tile_pixels is not None:
        check_type("tile_pixels", tile_pixels, int, "a number of pixels, or None", "Try 2_000_000.")
    tiles = TileLimit(tile_pixels, told_by="tile_pixels")
    with finished_before_the_end(), ending_with(ExitCode.MODEL):
        return FusionModel(tiled(open_backend(model, backend), tiles))
