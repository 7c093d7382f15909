"""The objective: all terms of the loss, weighted by the recipe."""

from __future__ import annotations

from dataclasses import dataclass

from coconet import fidelity, losses
from coconet.contrast import contrastive_loss
from coconet.crop_fusion import fast_convolutions
from coconet.crops import Crops
from coconet.encoder import find_imagenet_file
from coconet.errors import MissingPackage
from coconet.features import Vgg19Features, frozen_features
from coconet.recipe import Recipe, TrainingPlan
from coconet.teacher import Teacher, distillation_loss

try:
    import torch
    from torch import Tensor
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error


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
        sources = (fused, crops.visible, crops.infrared)
        recipe = self.recipe
        terms = {
            "structure": recipe.structure * losses.structure_term(*sources, recipe.c1),
            "intensity": recipe.intensity * losses.intensity_term(*sources, recipe.c2),
            "edge": recipe.edge * fidelity.edge_loss(*sources),
            "edge_transfer": recipe.edge_transfer * fidelity.edge_transfer_loss(*sources),
            "correlation": recipe.correlation * fidelity.correlation_loss(*sources),
            "exposure": recipe.exposure * fidelity.exposure_loss(*sources),
            "information": recipe.information * fidelity.information_loss(*sources),
            # The output is clipped to 0..255 later: what lies outside would be lost, so it costs here.
            "range": 10.0 * (torch.relu(fused - 1.0) + torch.relu(-fused)).mean(),
        }
        if self.features is not None:
            with fast_convolutions(fused.device):
                contrast = contrastive_loss(self.features, *sources, crops.mask)
            terms["contrast"] = recipe.contrast * contrast.float()
        if self.teacher is not None:
            wanted = self.teacher.picture(crops.visible, crops.infrared)
            terms["distillation"] = recipe.distillation * distillation_loss(fused, wanted)
        return terms
