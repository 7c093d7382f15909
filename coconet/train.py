"""Training: steps over random crops, saved so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from coconet import checkpoint, fidelity, losses
from coconet.data import CropSampler, GrayPair
from coconet.encoder import find_imagenet_file, imagenet_encoder
from coconet.errors import CoconetError, MissingPackage
from coconet.files import whole_file
from coconet.network import CoCoNet, Normalization
from coconet.signature import Signature

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="export") from error

SAVE_EVERY_S = 45.0
"""An interrupted run loses at most this many seconds of work, and the step it was in."""


LOG_EVERY = 20
"""Steps between two lines of log.csv."""


class Recipe(BaseModel):
    """How a network is trained; kept beside its weights as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str = "lite"
    steps: int = Field(default=4000, ge=0)
    batch: int = Field(default=16, ge=1)
    patch: int = Field(default=128, ge=64, multiple_of=16)
    learning_rate: float = Field(default=1e-3, gt=0)
    seed: int = 0
    c1: float = Field(default=0.5, gt=0)
    c2: float = Field(default=0.75, gt=0)
    structure: float = Field(default=1.0, ge=0, description="weight of 1 - SSIM, shared out by gradient activity")
    intensity: float = Field(default=0.4, ge=0, description="weight of the squared error, shared out by entropy")
    edge: float = Field(default=12.0, ge=0, description="weight of the difference to the stronger gradient")
    correlation: float = Field(default=1.0, ge=0, description="weight of 2 - SCD")
    exposure: float = Field(default=10.0, ge=0, description="weight of the squared error of the mean level")
    information: float = Field(default=2.0, ge=0, description="weight of -log VIF, mean of both sources")


class Trainer:
    """One training run in a folder: `state.pt` to go on from, `log.csv`, and at the end `<network>.safetensors`."""

    def __init__(self, recipe: Recipe, pairs: list[GrayPair], folder: Path, encoder: Path | None = None) -> None:
        self.recipe, self.folder = recipe, folder
        torch.manual_seed(recipe.seed)
        self.core, self.signature = checkpoint.build_network(recipe.network)
        self.encoder_note = prepare_encoder(self.core, encoder)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.core.to(self.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.optimizer = torch.optim.Adam(
            [p for p in self.core.parameters() if p.requires_grad], lr=recipe.learning_rate
        )
        self.sampler = CropSampler(pairs, recipe.patch, recipe.batch, recipe.seed)
        self.step = 0
        self._resume()

    def run(self, report: Callable[[int, float], None] = lambda step, loss: None) -> Path:
        """Train to the last step and write the weights; `report` hears of every step. Returns the checkpoint's path."""
        try:
            self._go_on(report)
        finally:
            self._save_state()
        weights = self.folder / f"{self.recipe.network}.safetensors"
        checkpoint.save_checkpoint(weights, self.recipe.network, self.core)
        return weights

    def _go_on(self, report: Callable[[int, float], None]) -> None:
        saved = time.monotonic()
        while self.step < self.recipe.steps:
            terms = self._take_step()
            if self.step % LOG_EVERY == 0:
                self._log(terms)
            if time.monotonic() - saved > SAVE_EVERY_S:
                self._save_state()
                saved = time.monotonic()
            report(self.step, terms["total"])

    def _take_step(self) -> dict[str, float]:
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * schedule(self.step, self.recipe.steps)
        if self.step >= 0.8 * self.recipe.steps:
            _hold_statistics(self.core)
        visible, infrared = (side.to(self.device) for side in self.sampler.crops(self.step))
        terms = weighted_terms(self.recipe, fuse(self.core, self.signature, visible, infrared), visible, infrared)
        total = torch.stack(list(terms.values())).sum()
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.core.parameters(), 5.0)
        self.optimizer.step()
        self.step += 1
        return {"total": total.item(), **{name: term.item() for name, term in terms.items()}}

    def _save_state(self) -> None:
        with whole_file(self.folder / "state.pt") as scratch:
            state = {"step": self.step, "network": self.core.state_dict(), "optimizer": self.optimizer.state_dict()}
            torch.save({**state, "recipe": self.recipe.model_dump_json()}, scratch)

    def _resume(self) -> None:
        path = self.folder / "state.pt"
        if not path.exists():
            return
        state: dict[str, Any] = checkpoint.load_tensor_file(path)
        begun = Recipe.model_validate_json(state["recipe"])
        if begun.model_copy(update={"steps": self.recipe.steps}) != self.recipe:
            raise CoconetError(
                path,
                wanted="a run begun with the same recipe",
                got="a run with another one",
                remedy="Choose another folder with --out, or repeat the options of the first call.",
            )
        self.core.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]

    def _log(self, terms: dict[str, float]) -> None:
        path = self.folder / "log.csv"
        fresh = not path.exists()
        with path.open("a", newline="") as stream:
            writer = csv.writer(stream)
            if fresh:
                writer.writerow(["step", *terms])
            writer.writerow([self.step, *(f"{value:.6f}" for value in terms.values())])


def prepare_encoder(core: nn.Module, file: Path | None) -> str:
    """Give CoCoNet its ImageNet encoder, frozen, and close its attention gates; say in words what was done.

    The weights come from `file` or from torchvision's cache. Without them the encoder learns with the rest, which is
    a substitute and said so. The gates stay at 0: attention energies are sums over the frame, so what is learnt on
    crops would act differently on whole frames, and a closed gate saves 28 % of the operations.
    """
    if not isinstance(core, CoCoNet):
        return "no encoder in this network"
    for name, parameter in core.named_parameters():
        if name.endswith(("gamma", "conv_1.weight", "conv_1.bias", "conv_2.weight", "conv_2.bias")):
            parameter.requires_grad_(False)
    core.skip_closed_attention()
    file = file or find_imagenet_file()
    if file is None:
        for layer in core.vgg19.modules():
            if isinstance(layer, nn.Conv2d):  # eight layers in a row: the usual start would fade out
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        return "no ImageNet weights for the encoder: it starts at random and is trained with the network"
    try:
        core.vgg19.load_state_dict(imagenet_encoder(checkpoint.load_tensor_file(file)))
    except (KeyError, TypeError, RuntimeError) as error:
        raise CoconetError(
            file, wanted="VGG-19 weights as torchvision saves them", got=f"no {error}", remedy="Name another file."
        ) from error
    core.vgg19.requires_grad_(False)
    return f"encoder from {file.name}, frozen"


def fuse(core: nn.Module, signature: Signature, visible: Tensor, infrared: Tensor) -> Tensor:
    """Run a core on (B, 1, H, W) images in 0..1 and map its answer back to 0..1.

    Convolutions run in bfloat16 where the processor has units for it; the answer is float32.
    """
    low, high = signature.input_range
    inputs = (
        (image * (high - low) + low).contiguous(memory_format=torch.channels_last) for image in (visible, infrared)
    )
    with torch.autocast(visible.device.type, dtype=torch.bfloat16, enabled=_fast_bfloat16(visible.device)):
        answer: Tensor = core(*inputs)
    low, high = signature.output_range
    return (answer.float() - low) / (high - low)


def weighted_terms(recipe: Recipe, fused: Tensor, visible: Tensor, infrared: Tensor) -> dict[str, Tensor]:
    """The terms of the loss, each already weighted; their sum is what training lowers."""
    terms = {
        "structure": recipe.structure * losses.structure_term(fused, visible, infrared, recipe.c1),
        "intensity": recipe.intensity * losses.intensity_term(fused, visible, infrared, recipe.c2),
        "edge": recipe.edge * fidelity.edge_loss(fused, visible, infrared),
        "correlation": recipe.correlation * fidelity.correlation_loss(fused, visible, infrared),
        "exposure": recipe.exposure * fidelity.exposure_loss(fused, visible, infrared),
        "information": recipe.information * fidelity.information_loss(fused, visible, infrared),
    }
    # The output is clipped to 0..255 later: what lies outside would be lost, so it costs here.
    terms["range"] = 10.0 * (torch.relu(fused - 1.0) + torch.relu(-fused)).mean()
    return terms


def schedule(step: int, steps: int, warmup: int = 100) -> float:
    """Factor on the learning rate: linear warm-up, then half a cosine down to 1 %."""
    if step < warmup:
        return (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return 0.505 + 0.495 * float(torch.cos(torch.tensor(progress * torch.pi)))


def _hold_statistics(core: nn.Module) -> None:
    # The last stretch sees the stored statistics, as the deployed network will.
    if isinstance(core, CoCoNet):
        for layer in core.modules():
            if isinstance(layer, Normalization):
                layer.eval()


def _fast_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_amx_tile_supported())
