"""Training: steps over random crops, saved so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from coconet.errors import CoconetError, ExitCode, MissingPackage, ending_with
from coconet.files import whole_file
from coconet.networks.checkpoint import network_named, save_checkpoint
from coconet.networks.custom import own_network
from coconet.networks.network import Training
from coconet.networks.tensors.state_dict import load_strictly, load_tensor_file
from coconet.progress.board import working
from coconet.training.conditions import Conditions
from coconet.training.crops import Crops, CropSampler, fuse_crops
from coconet.training.data import GrayPair, with_masks
from coconet.training.fake_quant import round_as_int8
from coconet.training.initial_weights import initial_network
from coconet.training.noisy_twin import NoisyTwin, noise_gain
from coconet.training.objective import Objective
from coconet.training.recipe import READING, RunFiles, TrainingPlan, begun_otherwise
from coconet.training.validation import CsvLog, Validation

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error


SAVE_EVERY_S = 45.0
"""An interrupted run loses at most this many seconds of work, and the step it was in."""

LOG_EVERY = 20
"""Steps between two lines of log.csv."""


class Trainer:
    """One training run in the folder `plan.out`, which exists.

    It keeps `state.pt` to go on from, `log.csv` and `<network>.recipe.toml`, and writes `<network>.safetensors` at the
    end; coconet.training.validation says what a validation adds. notes: in words what stands in for what, to be shown.
    goes_on: from the state that lies there, if there is one.
    """

    def __init__(self, plan: TrainingPlan, pairs: Sequence[GrayPair], *, goes_on: bool = True) -> None:
        self.plan, self.recipe, self._files = plan, plan.recipe, RunFiles.of(plan)
        torch.manual_seed(plan.seed)
        initial = initial_network(plan)
        self.core, self.signature = initial.core, initial.signature
        self._settle = (Training() if plan.model else network_named(plan.network).training).settle
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.core.to(self.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        if plan.int8:
            round_as_int8(self.core)
        self.objective = Objective.of(plan, self.device)
        self.optimizer = torch.optim.Adam([p for p in self.core.parameters() if p.requires_grad], lr=plan.learning_rate)
        drawn = sum(pair.mask is not None for pair in pairs)
        self.sampler = CropSampler(
            with_masks(pairs) if plan.contrast > 0 else pairs,
            plan.patch,
            plan.batch,
            plan.seed,
            Conditions(plan.night, plan.conditions),
        )
        self.notes = [initial.note, *self.objective.notes]
        if plan.contrast > 0:
            self.notes.append(f"{drawn} masks of targets read, {len(pairs) - drawn} by the saliency rule")
        self._reading = READING.dump_json(plan.reading, exclude_none=True).decode()
        self._sources = json.dumps(plan.sources)
        self.step, self._origins = 0, [initial.origin, *self.objective.notes]
        if goes_on:
            self._resume()
        self._validation = Validation(plan.validation, plan, self.signature, self.step) if plan.validation else None
        if self._validation is not None:
            self._validation.warn_of_trained(pairs)
        self._log = CsvLog(self._files.log, self.step)  # last, as it drops lines: what is refused leaves them

    def run(self, report: Callable[[int, float], None] = lambda step, loss: None) -> Path:
        """Train to the last step and write the weights; `report` hears of every step. Returns the checkpoint's path."""
        if not self._files.state.exists():  # before all else: from whatever a killed run leaves, the next one goes on
            self._save_state()
        self.plan.save(self._files.recipe)
        try:
            self._go_on(report)
        finally:
            self._save_state()
        weights = self._files.weights
        save_checkpoint(weights, self.plan.model or self.plan.network, own_network(self.core), half=self.plan.half)
        return weights

    def _go_on(self, report: Callable[[int, float], None]) -> None:
        saved = time.monotonic()
        self._validate()
        while self.step < self.recipe.steps:
            terms = self._take_step()
            if self.step % LOG_EVERY == 0:
                self._log.add(self.step, terms)
            if time.monotonic() - saved > SAVE_EVERY_S:
                self._save_state()
                saved = time.monotonic()
            self._validate()
            report(self.step, terms["total"])

    def _take_step(self) -> dict[str, float]:
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * schedule(self.step, self.recipe.steps)
        if self.plan.start or self.step >= 0.8 * self.recipe.steps:
            # The last stretch, and all of a run that begins with weights, sees what deployed networks do.
            self._settle(self.core)
        terms = self._terms(self.sampler.crops(self.step).to(self.device))
        total = torch.stack(list(terms.values())).sum()
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        slope = nn.utils.clip_grad_norm_(self.core.parameters(), 5.0)
        if not (torch.isfinite(total) and torch.isfinite(slope)):  # the weights of before are whole
            raise CoconetError(
                f"step {self.step + 1}",
                wanted="a finite loss with finite gradients",
                got="NaN or infinity",
                says=f"of {self.plan.called} gives NaN or infinity in its loss or its gradients",
                remedy="Lower --learning-rate, or look for what divides by zero in the network. "
                "The state of before is kept.",
            )
        self.optimizer.step()
        self.step += 1
        return {"total": total.item(), **{name: term.item() for name, term in terms.items()}}

    def _terms(self, crops: Crops) -> dict[str, Tensor]:
        """The weighted terms of a step by name, each a scalar."""
        if self.recipe.steadiness == 0:
            fused = fuse_crops(self.core, self.signature, crops.visible, crops.infrared)
            return self.objective.terms(fused, crops)
        twin = NoisyTwin.of(crops, self.recipe.noise_levels, self.recipe.seed, self.step)
        # One pass for both, so that whatever a network takes from its batch is the same for both.
        sides = (torch.cat(side) for side in ((crops.visible, twin.visible), (crops.infrared, twin.infrared)))
        both = fuse_crops(self.core, self.signature, *sides)
        fused, fused_twin = both[: len(crops.visible)], both[len(crops.visible) :]
        excess = torch.relu(noise_gain(fused[twin.rows], fused_twin, twin) - self.recipe.noise_gain)
        return {**self.objective.terms(fused, crops), "steadiness": self.recipe.steadiness * excess}

    def _validate(self) -> None:
        if self._validation is not None and self._validation.due(self.step):
            self._save_state()  # a validation may take longer than SAVE_EVERY_S
            self._validation.take(self.step, self.core, self.device)

    def _save_state(self) -> None:
        with working("saving the state"), whole_file(self._files.state) as scratch:
            state = {
                "step": self.step,
                "network": own_network(self.core).state_dict(),
                "optimizer": self.optimizer.state_dict(),
            }
            begun = {"recipe": self.recipe.model_dump_json(), "reading": self._reading, "sources": self._sources}
            torch.save({**state, **begun, "origins": self._origins}, scratch)

    def _resume(self) -> None:
        path = self._files.state
        if not path.exists():
            return
        state = _read_state(path)
        self._files.check_begun_alike(self.plan)
        origins = state.get("origins", self._origins)
        if origins != self._origins:
            raise begun_otherwise(path, f"weights were from {'; '.join(origins)}, now from {'; '.join(self._origins)}")
        load_strictly(own_network(self.core), state["network"], path)
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]


@ending_with(ExitCode.MODEL)
def _read_state(path: Path) -> dict[str, Any]:
    """What `_save_state` wrote. Raises CoconetError for a file that is damaged or holds something else."""
    try:
        state = load_tensor_file(path)
        got = "it holds something else"
    except CoconetError as error:
        state, got = None, f"it is {error.got}"
    if not isinstance(state, dict) or not {"step", "network", "optimizer", "recipe"} <= state.keys():
        raise CoconetError(
            path,
            wanted="the whole state of an interrupted run",
            got=got,
            remedy="Begin again with --overwrite, or from weights with --start WEIGHTS and another --out.",
            says=f"should hold the state of an interrupted run to go on from, but {got}",
        )
    return state


def schedule(step: int, steps: int, warmup: int = 100) -> float:
    """Factor on the learning rate: linear warm-up, then half a cosine down to 1 %."""
    if step < warmup:
        return (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return 0.505 + 0.495 * float(torch.cos(torch.tensor(progress * torch.pi)))
