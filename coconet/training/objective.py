"""The objective: all terms of the loss, weighted by the recipe, and the teacher a smaller network follows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coconet.errors import MissingPackage
from coconet.losses import adaptive, fidelity
from coconet.losses.adaptive import sobel
from coconet.losses.contrastive import contrastive_loss
from coconet.losses.vgg_features import Vgg19Features, frozen_features
from coconet.networks.checkpoint import load_checkpoint
from coconet.networks.layers.vgg import find_imagenet_file
from coconet.training.crops import Crops, fast_convolutions, fuse_crops
from coconet.training.recipe import Recipe, TrainingPlan

try:
    import torch
    from torch import Tensor
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error


SQUARE, COARSE = 16, 4
"""Sides of the squares, in pixels, that are bright or not, and of those whose means follow the teacher."""

DIM, BRIGHT = 0.33, 0.45
"""Mean level of a square from which the teacher counts, and from which it counts fully."""

WELL_EXPOSED, MOST_EXPOSURE = 0.5, 8.0
"""Mean level to which a dark crop is brightened to be judged, and the most factor."""


class Teacher:
    """A checkpoint of any network, asked for pictures and never changed. sha256: hash of its file."""

    def __init__(self, weights: Path, device: torch.device) -> None:
        checkpoint = load_checkpoint(weights)
        self.network, self.sha256 = checkpoint.network, checkpoint.sha256
        self._core, self._signature = checkpoint.core.to(device), checkpoint.signature

    def picture(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """What the teacher makes of (B, 1, H, W) crops in 0..1: the same shape and range, clipped, without gradient."""
        with torch.no_grad():
            return fuse_crops(self._core, self._signature, visible, infrared).clamp(0.0, 1.0)


def distillation_loss(fused: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference of the pictures, plus that of their Sobel gradients: a scalar, images in 0..1."""
    differences = [functional.l1_loss(ours, theirs) for ours, theirs in zip(sobel(fused), sobel(wanted), strict=True)]
    return torch.stack([functional.l1_loss(fused, wanted), *differences]).sum()


def day_loss(fused: Tensor, wanted: Tensor, crops: Crops) -> Tensor:
    """Mean absolute difference of the pictures' coarse bands where a scene is bright: a scalar, images in 0..1.

    A square of 16x16 pixels counts from a mean of its brighter source of DIM, and fully from one of BRIGHT: the level
    and contrast of the day are the teacher's, its detail and its night are not followed.
    """
    level = functional.avg_pool2d(torch.maximum(crops.visible, crops.infrared), SQUARE)
    counts = ((level - DIM) / (BRIGHT - DIM)).clamp(0.0, 1.0)
    counts = functional.interpolate(counts, scale_factor=SQUARE // COARSE)
    return (counts * functional.avg_pool2d(fused - wanted, COARSE).abs()).mean()


def expose_alike(pictures: tuple[Tensor, Tensor, Tensor], share: float) -> tuple[Tensor, Tensor, Tensor]:
    """Fused, visible and infrared (B, 1, H, W) brightened by one factor each crop, as a longer exposure would.

    With share 1 the mean of the brighter source comes to WELL_EXPOSED, unless that takes more than MOST_EXPOSURE;
    with less it goes part of the way, in stops. A crop that is bright already stays as it is.
    """
    fused, visible, infrared = pictures
    level = torch.maximum(visible, infrared).mean(dim=(1, 2, 3), keepdim=True)
    factor = (WELL_EXPOSED / level.clamp_min(1e-6)).clamp(1.0, MOST_EXPOSURE) ** share
    return factor * fused, factor * visible, factor * infrared


@dataclass(frozen=True)
class Objective:
    """What training lowers. features: for the contrastive loss of the second stage. teacher: for distillation.

    notes: in words what the two are, to be shown.
    """

    recipe: Recipe
    features: Vgg19Features | None = None
    teacher: Teacher | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, plan: TrainingPlan, device: torch.device) -> Objective:
        """Load what a plan's objective needs; the features are in `plan.encoder` or in torchvision's cache."""
        features, teacher, notes = None, None, []
        if plan.contrast > 0:
            features, note = frozen_features(plan.encoder or find_imagenet_file())
            features.to(device)
            notes.append(note)
        if plan.teacher is not None:
            teacher = Teacher(plan.teacher, device)
            notes.append(f"teacher {teacher.network}, weights {teacher.sha256[:12]}")
        return cls(plan.recipe, features, teacher, tuple(notes))

    def terms(self, fused: Tensor, crops: Crops) -> dict[str, Tensor]:
        """The terms by name, each a scalar and already weighted; their sum is the loss. fused: like the crops."""
        recipe = self.recipe
        beyond = torch.relu(fused - 1.0) + torch.relu(-fused)
        if recipe.levels:
            fused = fused + ((255.0 * fused).round() / 255.0 - fused).detach()
        sources = (fused, crops.visible, crops.infrared)
        exposed = expose_alike(sources, recipe.relative)
        terms = {
            "structure": recipe.structure * adaptive.structure_term(*exposed, recipe.c1),
            "intensity": recipe.intensity * adaptive.intensity_term(*sources, recipe.c2),
            "edge": recipe.edge * fidelity.edge_loss(*exposed),
            "edge_transfer": recipe.edge_transfer * fidelity.edge_transfer_loss(*sources),
            "correlation": recipe.correlation * fidelity.correlation_loss(*sources),
            "exposure": recipe.exposure * fidelity.exposure_loss(*sources),
            "information": recipe.information * fidelity.information_loss(*sources),
            # The output is clipped to 0..255 later: what lies outside would be lost, so it costs here.
            "range": 10.0 * beyond.mean(),
        }
        if recipe.entropy > 0:
            terms["entropy"] = recipe.entropy * fidelity.entropy_loss(fused)
        if self.features is not None:
            with fast_convolutions(fused.device):
                contrast = contrastive_loss(self.features, *sources, crops.mask)
            terms["contrast"] = recipe.contrast * contrast.float()
        if self.teacher is not None:
            wanted = self.teacher.picture(crops.visible, crops.infrared)
            terms["distillation"] = recipe.distillation * distillation_loss(fused, wanted)
            terms["day_teacher"] = recipe.day_teacher * day_loss(fused, wanted, crops)
        return terms
