"""PyTorch as a peer: a checkpoint through its compiler, and in its narrower precisions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

from coconet.cards.precision import Precision
from coconet.errors import CoconetError, MissingPackage, first_line
from coconet.media.pixels import Pixels
from coconet.networks.camera_ready import Fuser
from coconet.networks.checkpoint import load_checkpoint
from coconet.runtime.backends.pytorch import EagerBackend

try:
    import torch
except ImportError as error:
    raise MissingPackage("torch", job="PyTorch as a peer", extra="export") from error


class CompiledBackend(EagerBackend):
    """A checkpoint through torch.compile, for the frame sizes it meets; the first frame of a size pays for it."""

    def __init__(self, checkpoint: Path) -> None:
        super().__init__(load_checkpoint(checkpoint))
        self.name = f"PyTorch compile, {self.device.type}"
        self._where = checkpoint
        self._fuser = cast("Fuser", torch.compile(self._fuser, dynamic=False))

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse like the eager backend. Raises CoconetError if the compiler fails, as without a C++ compiler."""
        try:
            return super().fuse(visible, infrared)
        except CoconetError:
            raise
        except Exception as error:  # the compiler's own errors share no base class
            raise CoconetError(
                self._where,
                wanted="a network that torch.compile takes",
                got=f"from PyTorch: {first_line(error)}",
                remedy="Install a C++ compiler (apt install g++), or leave @compile out.",
                says=f"cannot be compiled by torch.compile: {first_line(error)}",
            ) from error


class NarrowBackend(EagerBackend):
    """A checkpoint whose network runs in a narrower precision, as `coconet export --half` would write it."""

    def __init__(self, checkpoint: Path, precision: Precision) -> None:
        loaded = load_checkpoint(checkpoint)
        super().__init__(loaded)
        self.name = f"PyTorch {precision.word}, {self.device.type}"
        self.card = replace(self.card, precision=precision.name)
        self._fuser = Fuser(loaded.core, loaded.signature, precision=precision.name).to(self.device).eval()
