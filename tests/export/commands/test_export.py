"""`coconet export` as a user calls it, and anyone's network on its whole way to an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
import typer
from torch import Tensor, nn
from typer.testing import CliRunner

from coconet.calibration.commands.calibrate import calibrate
from coconet.cards.engine_card import read_engine_card
from coconet.cards.model_card import CARD_KEY, ModelCard, Signature
from coconet.errors import CoconetError
from coconet.export import gate, graph
from coconet.export.commands.build import build
from coconet.export.commands.export import export
from coconet.export.graph import card_of
from coconet.files import sha256_of
from coconet.media.image import read_picture
from coconet.networks.checkpoint import network_named, save_checkpoint
from coconet.runtime.commands.run import run
from tests.support.media.pair_folders import textured_pairs
from tests.support.models.strongest import Strongest
from tests.support.models.tiny_onnx import write_averaging_model
from tests.support.programs import called

NETWORK = ("--model", "tests.support.models.strongest:Strongest", "--range", "-1..1", "--order", "infrared,visible")
SMALL = ("--size", "48x64")


def call(command: object, *words: object) -> str:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)  # type: ignore[type-var]
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def card(path: Path) -> ModelCard:
    entries = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    return ModelCard.from_json(entries[CARD_KEY], path)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    torch.save({f"module.{name}": tensor for name, tensor in Strongest().state_dict().items()}, tmp_path / "w.pth")
    return tmp_path / "w.pth"


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    return textured_pairs(tmp_path / "pairs", 2)


@pytest.mark.slow
def test_a_network_of_anyone_goes_all_the_way(tmp_path: Path, weights: Path, frames: Path) -> None:
    said = call(export, *NETWORK, "--weights", weights, "--frames", frames, *SMALL, "--out", tmp_path / "m.onnx")
    assert "against PyTorch on 2 frames: PSNR" in said
    assert (card(tmp_path / "m.onnx").network, card(tmp_path / "m.onnx").weights_sha256) == (
        "tests.support.models.strongest:Strongest",
        sha256_of(weights),
    )
    assert "3 of 6 convolutions in INT8" in call(calibrate, tmp_path / "m.onnx", "--frames", frames)
    call(build, tmp_path / "m.int8.onnx", "--gpu", "sm86", "--out", tmp_path / "m.engine")
    assert read_engine_card(tmp_path / "m.engine").model == card(tmp_path / "m.int8.onnx")
    cameras = ("--visible", frames / "vis", "--infrared", frames / "ir")
    call(run, *cameras, "--model", tmp_path / "m.int8.onnx", "--out", f"{tmp_path}/fused/")
    assert [path.name for path in sorted((tmp_path / "fused").iterdir())] == ["0.png", "1.png"]


def test_the_graph_computes_what_the_network_does(tmp_path: Path, weights: Path, frames: Path) -> None:
    call(export, *NETWORK, "--weights", weights, "--frames", frames, "--gray", "--out", tmp_path / "m.onnx")
    cameras = ("--visible", frames / "vis", "--infrared", frames / "ir")
    call(run, *cameras, "--model", tmp_path / "m.onnx", "--out", f"{tmp_path}/fused/")
    network = Strongest().eval()
    network.load_state_dict({k.removeprefix("module."): v for k, v in torch.load(weights).items()})
    sides = [
        torch.from_numpy(read_picture(frames / side / "0.png")).float()[None, None, ..., 0] for side in ("ir", "vis")
    ]
    wanted = (network(*(side / 127.5 - 1 for side in sides))[0, 0].detach().numpy() + 1) * 127.5
    assert np.abs(read_picture(tmp_path / "fused" / "0.png")[..., 0] - wanted).max() < 1.01


def test_the_document_shows_this_very_network() -> None:
    root = Path(__file__).parents[3]
    shown = (root / "docs" / "any-network.md").read_text().partition("```python\n")[2].partition("```")[0]
    assert shown == (root / "tests" / "support" / "models" / "strongest.py").read_text()


def test_half_precision_and_the_names_of_the_files(weights: Path, frames: Path) -> None:
    call(
        export,
        *NETWORK,
        "--weights",
        weights,
        "--frames",
        frames,
        *SMALL,
        "--half",
        "--multiple",
        "2",
        "--output-range",
        "-2..1",
    )
    made = card(weights.with_name("w.fp16.onnx"))
    assert made.precision == "fp16"
    assert made.signature == Signature((-1.0, 1.0), (-2.0, 1.0), side_multiple=2, normalization="running")


def test_half_precision_that_makes_nan_leaves_no_file(tmp_path: Path, weights: Path, frames: Path) -> None:
    state = torch.load(weights)
    state["module.encoder.0.weight"] *= 1e6
    state["module.encoder.3.running_var"] *= 1e12
    torch.save(state, weights)
    with pytest.raises(CoconetError, match="0.png gives NaN .*without --half"):
        call(export, *NETWORK, "--weights", weights, "--frames", frames, *SMALL, "--half")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs", "w.pth"]
    call(export, *NETWORK, "--weights", weights, "--frames", frames, *SMALL)


def test_an_export_makes_its_card_once(frames: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ModelCard] = []

    def counted(*arguments: Any) -> ModelCard:
        made.append(card_of(*arguments))
        return made[-1]

    for module in (gate, graph):
        monkeypatch.setattr(module, "card_of", counted)
    call(export, *LITE, frames, *SMALL, "--out", tmp_path / "m.onnx")
    assert made == [card(tmp_path / "m.onnx")]


def test_the_weights_of_a_network_may_be_the_argument(tmp_path: Path, weights: Path, frames: Path) -> None:
    said = call(export, weights, *NETWORK, "--frames", frames, *SMALL)
    assert said.startswith(f"{tmp_path}/w.onnx: fp32, 48x64, ")


def test_a_network_that_decides_by_the_picture_is_refused_in_a_sentence_with_its_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deciding.py").write_text(
        "from torch import nn\n\n\nclass Deciding(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.one = nn.Conv2d(1, 1, 1)\n\n"
        "    def forward(self, a, b):\n        if a.mean() > b.mean():\n            return self.one(a)\n"
        "        return self.one(b)\n"
    )
    monkeypatch.chdir(tmp_path)
    torch.save({"one.weight": torch.ones(1, 1, 1, 1), "one.bias": torch.zeros(1)}, "w.pth")
    words = ("--model", "deciding:Deciding", "--range", "0..1", "--order", "visible,infrared", "w.pth")
    for size in ((), SMALL):
        with pytest.raises(CoconetError) as caught:
            call(export, *words, *size)
        assert str(caught.value) == (
            "network deciding:Deciding cannot become a graph: it decides by the values of the picture, at "
            f"{tmp_path / 'deciding.py'}:10. Rewrite what depends on the values of the picture, such as an if, with "
            "torch.where."
        )
    assert capfd.readouterr() == ("", "")


def test_a_checkpoint_of_ours_needs_no_more_than_its_name(tmp_path: Path, frames: Path) -> None:
    save_checkpoint(tmp_path / "mine.safetensors", "lite", network_named("lite").build())
    said = call(export, tmp_path / "mine.safetensors", "--frames", frames, *SMALL)
    assert said.startswith(f"{tmp_path}/mine.onnx: fp32, 48x64, ")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "has nothing to export. Name one checkpoint"),
        (("lite", "--range", "0..1"), "was given options that go only with --model. Leave --range"),
        (("lite", "--out", "lite.engine"), "has the ending .engine; a graph ends in .onnx"),
        (("lite", "--out", "lite"), "has no ending; a graph ends in .onnx"),
        (("lite", "--size", "99999x64"), "is 99999x64 .* larger than 8192 pixels a side"),
        (("lite", "--dynamic", "64x64..64x9000"), "is 64x9000 .* larger than 8192 pixels a side"),
        (("lite", *NETWORK, "--weights", "w.pth"), "does not go with the checkpoint lite. Leave one"),
        (NETWORK, "needs --weights as well. No file tells the range"),
        (
            ("--model", "tests.support.models.strongest:Strongest", "--weights", "w.pth"),
            "needs --range, --order as well",
        ),
        ((*NETWORK, "--weights", "gone.pth"), "gone.pth does not exist; expected a checkpoint"),
    ],
)
def test_options_that_do_not_go_together_are_refused(words: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(CoconetError, match=complaint):
        call(export, *words)


LITE = ("lite", "--frames")


@pytest.fixture(scope="module")
def ranged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a graph of a range of sizes, m.onnx, and pairs that are too low for it; what the export said."""
    folder = tmp_path_factory.mktemp("ranged")
    words = (*LITE, textured_pairs(folder / "pairs", 2), "--dynamic", "56x48..96x128", "--out", folder / "m.onnx")
    return folder, call(export, *words)


@pytest.mark.slow
def test_a_range_of_sizes_becomes_the_profile_of_the_engine(tmp_path: Path, ranged: tuple[Path, str]) -> None:
    folder, said = ranged
    model, out = folder / "m.onnx", ("--gpu", "sm75", "--no-cache", "--out", tmp_path / "m.engine")
    assert "m.onnx: fp32, 56x48..96x128, " in said
    assert "56x48 to 96x128, best at 96x128" in call(build, model, *out)
    with pytest.raises(CoconetError, match="was exported for sizes within 56x48..96x128, not for 32x48 to"):
        call(build, model, *out, "--min", "32x48")


@pytest.mark.slow
def test_a_frame_outside_the_range_is_refused_in_words(tmp_path: Path, ranged: tuple[Path, str]) -> None:
    pairs, model = ranged[0] / "pairs", ranged[0] / "m.onnx"
    with pytest.raises(CoconetError, match="is 48x64.*the nearest being 56x64"):
        call(run, "--visible", pairs / "vis", "--infrared", pairs / "ir", "--model", model, "--out", f"{tmp_path}/f/")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "form", "batch"),
    [(("--bare",), "bare", 1), (("--batch", "2"), "camera", 2), (("--bare", "--batch", "4", "--half"), "bare", 4)],
)
def test_forms_that_no_camera_feeds_are_compared_all_the_same(
    tmp_path: Path, frames: Path, options: tuple[str, ...], form: str, batch: int
) -> None:
    said = call(export, *LITE, frames, *SMALL, *options, "--out", tmp_path / "m.onnx")
    assert "against PyTorch on 2 frames: PSNR" in said
    made = card(tmp_path / "m.onnx")
    assert (made.form, made.batch) == (form, batch)
    with pytest.raises(CoconetError, match="takes one camera pair at a time"):
        call(calibrate, tmp_path / "m.onnx", "--frames", frames)


def test_what_a_jetson_would_not_read_is_warned_of(tmp_path: Path, frames: Path) -> None:
    app = typer.Typer()
    app.command()(export)
    words = [*LITE, str(frames), *SMALL, "--opset", "21", "--out", str(tmp_path / "m.onnx")]
    assert "TensorRT 10.3 (JetPack 6) does not list opset 21, outside 9 to 20" in CliRunner().invoke(app, words).stderr


def test_a_graph_that_may_not_fit_into_memory_is_told_before_it_is_run(
    weights: Path, frames: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coconet.runtime.verify.graph_memory._free_bytes", lambda: 10**6)
    said = called.call(export, *NETWORK, "--weights", weights, "--frames", frames, *SMALL).stderr
    assert "warning: the graph holds about 0.0 GB at once at 48x64, and this machine has 0.0 GB left" in said


def test_one_size_and_a_range_exclude_each_other() -> None:
    with pytest.raises(CoconetError, match="--size and --dynamic cannot be used together"):
        call(export, "lite", *SMALL, "--dynamic", "40x48..96x128")


def test_a_graph_that_is_there_gets_its_warp(tmp_path: Path) -> None:
    model = write_averaging_model(tmp_path / "model.onnx")
    assert "behind the runtime's warp on 1 frame" in call(export, model, "--with-warp")
    assert card(tmp_path / "model.warp.onnx").form == "warped"
    assert "--with-warp takes an .onnx model" in called.complaint_of(export, "coconet", "--with-warp")


@pytest.mark.parametrize(
    ("bias", "scale", "said"), [(0.0, 0.0, "is flat"), (9.0, 0.0, "is mostly cut off at white"), (0.0, 1.0, "")]
)
def test_a_graph_that_agrees_on_pictures_of_nothing_is_warned_of(
    tmp_path: Path, frames: Path, bias: float, scale: float, said: str
) -> None:
    network = averaging_factory()
    with torch.no_grad():
        network.weight.fill_(scale / 2)
        network.bias.fill_(bias)
    torch.save(network.state_dict(), tmp_path / "w.pth")
    kind = ("--model", f"{__name__}:averaging_factory", "--range", "-1..1", "--order", "visible,infrared")
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(export)
    words = [*kind, "--weights", tmp_path / "w.pth", "--frames", frames, *SMALL, "--out", tmp_path / "m.onnx"]
    told = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert "PSNR" in told.stdout
    assert ("show nothing of use" in told.stderr) == bool(said)
    assert said in told.stderr


class Averaging(nn.Module):
    """The mean of both sides, scaled and shifted."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.tensor(0.5)), nn.Parameter(torch.tensor(0.0))

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        fused: Tensor = self.weight * (visible + infrared) + self.bias
        return fused


def averaging_factory() -> Averaging:
    return Averaging()
