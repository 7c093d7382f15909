"""Validation of a run: every so often the held-out pairs are judged, shown on a sheet, and the best weights kept."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

from coconet.checkpoint import save_checkpoint
from coconet.contact_sheet import Caption, contact_sheet
from coconet.data import load_pairs
from coconet.errors import MissingPackage
from coconet.journal import Journal
from coconet.judge import Judge, Judgement
from coconet.picture import write_picture
from coconet.recipe import TrainingPlan
from coconet.signature import Signature

try:
    import torch
    from torch import nn
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error

SHEET_ROWS = 8
"""Most scenes on a contact sheet; of more, some spread evenly over the set are taken."""


class Validation:
    """Writes `validation.csv`, `validation.png` and `<network>.best.safetensors` into the folder of a run."""

    def __init__(self, source: Path, plan: TrainingPlan, signature: Signature, step: int) -> None:
        self._plan = plan
        self._judge = Judge(load_pairs([source]), signature)
        self._journal = Journal(plan.out / "validation.csv", step)

    def due(self, step: int) -> bool:
        """Every `validate_every` steps and after the last one; before the first, if the run began with weights."""
        if step == 0 and self._plan.start is None:
            return False
        return (step % self._plan.validate_every == 0 or step == self._plan.steps) and not self._journal.has(step)

    def take(self, step: int, core: nn.Module, device: torch.device) -> None:
        """Judge the core as it is at this step, and keep it if it is the best so far."""
        judgement = self._judge.judge(core, device)
        score = round(judgement.score, 6)  # as the journal keeps it, so that a resumed run decides alike
        if score > max(self._journal.column("score"), default=-math.inf):
            save_checkpoint(self._plan.out / f"{self._plan.network}.best.safetensors", self._plan.network, core)
        self._draw(step, judgement)
        self._journal.add(step, {"score": score, **dataclasses.asdict(judgement.mean)})

    def _draw(self, step: int, judgement: Judgement) -> None:
        scenes = list(zip(self._judge.pairs, judgement.pictures, strict=True))
        rows = [
            (
                Caption(f"{pair.name}  infrared", pair.infrared),
                Caption("visible", pair.visible),
                Caption(f"fused, step {step}", fused),
            )
            for pair, fused in scenes[:: math.ceil(len(scenes) / SHEET_ROWS)]
        ]
        write_picture(self._plan.out / "validation.png", contact_sheet(rows))
