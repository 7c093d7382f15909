"""The PyTorch backend: a checkpoint run as it is, the reference that exported models are compared with."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

from coconet.cards.frame_size import check_frame_size
from coconet.cards.model_card import ModelCard
from coconet.errors import MissingPackage
from coconet.media.pixels import Pixels
from coconet.networks.camera_ready import Fuser
from coconet.networks.checkpoint import Checkpoint, load_checkpoint
from coconet.networks.lite import LiteNet
from coconet.networks.scene import Scene
from coconet.runtime.frame_check import fuse_adapted

try:
    import torch
except ImportError as error:
    raise MissingPackage("torch", job="running a checkpoint", extra="export") from error


class EagerBackend:
    """Runs a checkpoint in single precision, on the GPU where PyTorch sees one and on the processor otherwise."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.name = f"PyTorch eager, {self.device.type}"
        self.card, self._checkpoint = checkpoint.card, checkpoint
        self._fuser = Fuser(checkpoint.core, checkpoint.signature).to(self.device).eval()

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse (H, W, 3) or (H, W, 1) with (H, W, 1), all uint8; the picture is shaped like `visible`."""
        check_frame_size(visible.shape[0], visible.shape[1], self.card.signature)
        return fuse_adapted(self.card, self.card.network, self._run, visible, infrared)

    def for_parts(self, *, halved: bool) -> EagerBackend | None:
        """The same model for parts of pictures; None if it depends on the scene and cannot hold one."""
        if self.card.tiling is None or not self.card.tiling.room:
            return self
        if not isinstance(self._fuser.core, LiteNet):
            return None
        core = copy.copy(self._fuser.core)  # with the same weights
        core.halved = halved
        return EagerBackend(replace(self._checkpoint, core=core))

    def hold_scene(self, scene: Scene) -> None:
        """Take this for the scene from the next part on."""
        if isinstance(self._fuser.core, LiteNet):
            self._fuser.core.scene = scene

    def close(self) -> None:
        """Nothing to release: the weights go with the object."""

    def _run(self, visible: Pixels, infrared: Pixels) -> Pixels:
        with torch.inference_mode():
            # Copied, because PyTorch shares no memory with frames that are read-only, and warns.
            frames = (torch.tensor(side[None], device=self.device) for side in (visible, infrared))
            fused: Pixels = self._fuser(*frames)[0].cpu().numpy()
        return fused


def open_checkpoint(path: Path) -> EagerBackend:
    """Load a checkpoint and run it as it is. Raises CoconetError as `load_checkpoint` does."""
    return EagerBackend(load_checkpoint(path))


def read_checkpoint_card(path: Path) -> ModelCard:
    """Read the card that a checkpoint has when it is run as it is. Raises CoconetError as `load_checkpoint` does."""
    return load_checkpoint(path).card
