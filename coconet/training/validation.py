"""Validation: held-out pairs judged every few steps, logged as CSV, shown on a sheet, the best weights kept."""

from __future__ import annotations

import copy
import csv
import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.cards.frame_size import check_frame_size
from coconet.cards.model_card import Signature
from coconet.errors import CoconetError, MissingPackage, counted
from coconet.files import whole_file
from coconet.media.image import write_picture
from coconet.media.panel import Captioned, contact_sheet
from coconet.metrics.fusion import METRICS, Scores, score
from coconet.metrics.structure import StructureWatch
from coconet.model_endings import SAFETENSORS
from coconet.networks.camera_ready import Fuser
from coconet.networks.checkpoint import save_checkpoint
from coconet.networks.custom import own_network
from coconet.progress.board import ProgressItems
from coconet.terminal.notice import print_notice
from coconet.training.data import GrayPair, load_pairs, pixel_key
from coconet.training.recipe import TrainingPlan

try:
    import torch
    from torch import nn
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error


Gray = NDArray[np.uint8]

JUDGED = tuple(metric.name for metric in METRICS if metric.compares and metric.ranked)
"""The metrics of the score: those that compare with both sources, because the others also grow with noise."""


@dataclass(frozen=True)
class ValidationScores:
    """What a network made of the held-out pairs, and their mean metrics.

    score: mean over JUDGED of the metric divided by what the better of average and maximum fusion reaches in it.
    """

    pictures: tuple[Gray, ...]
    mean: Scores
    score: float

    def warning(self, pairs: Sequence[GrayPair]) -> str:
        """What to warn of, as StructureWatch says it, if the pictures show nothing of the pairs they are of."""
        watch = StructureWatch()
        for pair, fused in zip(pairs, self.pictures, strict=True):
            watch.look(pair.name, fused, pair.visible, pair.infrared)
        return watch.warning


class Validator:
    """Fuses whole held-out pictures as the deployed network will, at 8 bit, and scores them."""

    def __init__(self, pairs: Sequence[GrayPair], signature: Signature) -> None:
        for pair in pairs:
            height, width = pair.visible.shape
            check_frame_size(height, width, signature)
        self.pairs, self._signature = pairs, signature

    def judge(self, core: nn.Module, device: torch.device) -> ValidationScores:
        """Fuse and score every pair with a copy of the core, so that its own state of training stays as it is."""
        fuser = Fuser(copy.deepcopy(core), self._signature, visible_channels=1).to(device).eval()
        pictures = tuple(_fused(fuser, pair, device) for pair in ProgressItems(self.pairs, "validating"))
        mean = _mean_scores(self.pairs, pictures)
        ratios = [getattr(mean, name) / level for name, level in self._levels.items()]
        return ValidationScores(pictures, mean, sum(ratios) / len(ratios))

    @cached_property
    def _levels(self) -> dict[str, float]:
        """What the better of the two simplest fusions reaches, by metric."""
        means = [_mean_scores(self.pairs, [rule(pair) for pair in self.pairs]) for rule in (_average, _maximum)]
        levels = {name: max(getattr(mean, name) for mean in means) for name in JUDGED}
        if min(levels.values()) <= 0.0:
            raise CoconetError(
                "validation",
                wanted="pictures of something",
                got="only flat ones",
                remedy="Validate on other pairs.",
                says="has only flat pictures, on which nothing can be judged",
            )
        return levels


def _fused(fuser: Fuser, pair: GrayPair, device: torch.device) -> Gray:
    with torch.inference_mode():
        sides = (torch.from_numpy(side)[None, :, :, None].to(device) for side in (pair.visible, pair.infrared))
        picture: Gray = fuser(*sides)[0, :, :, 0].cpu().numpy()
    return picture


def _mean_scores(pairs: Sequence[GrayPair], pictures: Iterable[NDArray[Any]]) -> Scores:
    scores = [score(picture, pair.infrared, pair.visible) for picture, pair in zip(pictures, pairs, strict=True)]
    return Scores(*np.mean([dataclasses.astuple(one) for one in scores], axis=0).tolist())


def _average(pair: GrayPair) -> NDArray[Any]:
    return (pair.visible + pair.infrared.astype(np.float64)) / 2


def _maximum(pair: GrayPair) -> NDArray[Any]:
    return np.maximum(pair.visible, pair.infrared)


class CsvLog:
    """Lines of `step` and numbers. What an interrupted run wrote after the step it goes on from is dropped."""

    def __init__(self, path: Path, step: int) -> None:
        self._path = path
        self._rows: list[dict[str, str]] = []
        if path.exists():
            self._rows = [row for row in _whole_rows(path) if int(row["step"]) <= step]
            self._rewrite()

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Append one line, six digits behind the point."""
        row = {"step": str(step), **{name: f"{value:.6f}" for name, value in values.items()}}
        with self._path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(row))
            if not self._rows:
                writer.writeheader()
            writer.writerow(row)
        self._rows.append(row)

    def has(self, step: int) -> bool:
        """Whether there is a line of this step."""
        return any(row["step"] == str(step) for row in self._rows)

    def column(self, name: str) -> list[float]:
        """Every line's value, in order, as written."""
        return [float(row[name]) for row in self._rows]

    def _rewrite(self) -> None:
        with whole_file(self._path) as scratch, scratch.open("w", newline="", encoding="utf-8") as stream:
            if self._rows:
                writer = csv.DictWriter(stream, list(self._rows[0]))
                writer.writeheader()
                writer.writerows(self._rows)


def _whole_rows(path: Path) -> list[dict[str, str]]:
    # A power cut can leave a line half written.
    with path.open(newline="", encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream) if None not in row.values() and (row.get("step") or "").isdigit()]


SHEET_ROWS = 8
"""Most scenes on a contact sheet; of more, some spread evenly over the set are taken."""

SHEET_COLUMN_PX = 320


class Validation:
    """Writes `validation.csv`, `validation.png` and `<network>.best.safetensors` into the folder of a run."""

    def __init__(self, source: Path, plan: TrainingPlan, signature: Signature, step: int) -> None:
        self._plan = plan
        self._judge = Validator(load_pairs([source], plan.reading), signature)
        self._journal = CsvLog(plan.out / "validation.csv", step)

    def warn_of_trained(self, pairs: Sequence[GrayPair]) -> None:
        """Warn of held-out pairs that are among those trained on, picture for picture."""
        trained = {pixel_key(pair) for pair in pairs}
        known = [pair.name for pair in self._judge.pairs if pixel_key(pair) in trained]
        if known:
            print_notice(
                f"{len(known)} of the {counted(len(self._judge.pairs), 'pair')} of the validation are trained on as "
                f"well, such as {known[0]}: a score on them does not tell how new pictures fare. Keep them out of the "
                "training by their names, which a recipe lists as held"
            )

    def due(self, step: int) -> bool:
        """Every `validate_every` steps and after the last one; before the first, if the run began with weights."""
        if step == 0 and self._plan.start is None:
            return False
        return (step % self._plan.validate_every == 0 or step == self._plan.steps) and not self._journal.has(step)

    def take(self, step: int, core: nn.Module, device: torch.device) -> None:
        """Judge the core as it is at this step, and keep it if it is the best so far."""
        judgement = self._judge.judge(core, device)
        if said := judgement.warning(self._judge.pairs):
            print_notice(f"at step {step} {self._plan.called} {said}")
        score = round(judgement.score, 6)  # as the journal keeps it, so that a resumed run decides alike
        if score > max(self._journal.column("score"), default=-math.inf):
            best = self._plan.out / f"{self._plan.called}.best{SAFETENSORS}"
            save_checkpoint(best, self._plan.model or self._plan.network, own_network(core))
        self._draw(step, judgement)
        self._journal.add(step, {"score": score, **dataclasses.asdict(judgement.mean)})

    def _draw(self, step: int, judgement: ValidationScores) -> None:
        scenes = list(zip(self._judge.pairs, judgement.pictures, strict=True))
        rows = [
            (
                Captioned(f"{pair.name}  infrared", pair.infrared[:, :, None]),
                Captioned("visible", pair.visible[:, :, None]),
                Captioned(f"fused, step {step}", fused[:, :, None]),
            )
            for pair, fused in scenes[:: math.ceil(len(scenes) / SHEET_ROWS)]
        ]
        write_picture(self._plan.out / "validation.png", contact_sheet(rows, SHEET_COLUMN_PX)[:, :, :1])  # all gray
