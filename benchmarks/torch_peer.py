"""PyTorch as a peer in other forms than the eager one: compiled, and in half precision."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

from coconet.checkpoint import load_checkpoint
from coconet.errors import CoconetError, MissingPackage
from coconet.fuser import Fuser
from runtime.eager import EagerBackend
from runtime.frame import Pixels

try:
    import torch
except ImportError as error:
    raise MissingPackage("torch", job="PyTorch as a peer", extra="export") from error


class CompiledBackend(EagerBackend):
    """A checkpoint through torch.compile, for the frame sizes it meets; the first frame of a size pays for it."""

    def __init__(self, checkpoint: Path) -> None:
        super().__init__(checkpoint)
        self.name = f"PyTorch compile, {self.device.type}"
        self._where = checkpoint
        self._fuser = cast("Fuser", torch.compile(self._fuser, dynamic=False))

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse like the eager backend. Raises CoconetError where the compiler fails, as without a C++ compiler."""
        try:
            return super().fuse(visible, infrared)
        except CoconetError:
            raise
        except Exception as error:  # the compiler's own errors share no base class
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise CoconetError(
                self._where,
                wanted="a network that torch.compile takes",
                got=f"from PyTorch: {first}",
                remedy="Install a C++ compiler (apt install g++), or leave @compile out.",
            ) from error


class HalfBackend(EagerBackend):
    """A checkpoint whose network runs in half precision, as `coconet export --half` would write it."""

    def __init__(self, checkpoint: Path) -> None:
        loaded = load_checkpoint(checkpoint)
        super().__init__(loaded)
        self.name = f"PyTorch half, {self.device.type}"
        self.card = replace(self.card, precision="fp16")
        self._fuser = Fuser(loaded.core, loaded.signature, half=True).to(self.device).eval()
