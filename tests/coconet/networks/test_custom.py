"""Foreign networks: found, filled, ordered and tried out, or refused with the step that failed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from coconet.cards.model_card import Signature
from coconet.errors import CoconetError
from coconet.files import sha256_of
from coconet.networks.custom import load_foreign, make_network, parse_order, parse_range, parse_signature
from tests.support.models.strongest import Strongest

BOTH = Signature(input_range=(-1.0, 1.0), output_range=(-1.0, 1.0), side_multiple=2)
HEAD = "import torch\nfrom torch import nn\n"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    torch.save({"epoch": 1, "state_dict": Strongest().state_dict()}, tmp_path / "w.pth")
    return tmp_path / "w.pth"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Write a module `anyones` into the working directory; gives back its name."""
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> str:
        (tmp_path / "anyones.py").write_text(HEAD + text)
        return "anyones"

    yield write
    sys.modules.pop("anyones", None)


def test_the_file_fills_the_network_and_both_are_on_the_record(weights: Path) -> None:
    checkpoint = load_foreign("tests.support.models.strongest:Strongest", [str(weights)], BOTH)
    assert (checkpoint.network, checkpoint.sha256) == ("tests.support.models.strongest:Strongest", sha256_of(weights))
    torch.testing.assert_close(checkpoint.core.state_dict(), torch.load(weights)["state_dict"])
    assert not checkpoint.core.training


def test_safetensors_of_anyone_are_read(tmp_path: Path) -> None:
    save_file(Strongest().state_dict(), tmp_path / "w.safetensors", metadata={"format": "pt"})
    loaded = load_foreign("tests.support.models.strongest:Strongest", [f"{tmp_path}/w.safetensors"], BOTH)
    assert loaded.signature.side_multiple == 2


def test_the_infrared_image_reaches_the_argument_that_stands_first(module: Callable[[str], str], weights: Path) -> None:
    name = module(
        "class First(nn.Module):\n    def forward(self, a, b):\n        return a + 0 * b\ndef net():\n"
        "    part = nn.Module()\n    net = First()\n    net.kept = nn.Linear(1, 1)\n    return net\n"
    )
    torch.save({"kept.weight": torch.ones(1, 1), "kept.bias": torch.ones(1)}, weights)
    visible, infrared = torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
    for order, expected in (("visible,infrared", visible), ("infrared,visible", infrared)):
        core = load_foreign(f"{name}:net", [str(weights)], BOTH, infrared_first=parse_order(order)).core
        assert torch.equal(core(visible, infrared), expected)


def test_the_working_directory_is_searched_for_this_import_only(module: Callable[[str], str]) -> None:
    before = list(sys.path)
    assert isinstance(make_network(f"{module('def net(): return nn.ReLU()')}:net"), torch.nn.ReLU)
    assert sys.path == before


@pytest.mark.parametrize(
    ("layer", "kind"),
    [("BatchNorm2d(1)", "running"), ("BatchNorm2d(1, track_running_stats=False)", "image"),
     ("InstanceNorm2d(1, affine=True)", "image"), ("Conv2d(1, 1, 1)", "none")],
)  # fmt: skip
def test_the_normalisation_is_read_off_the_layers(
    module: Callable[[str], str], tmp_path: Path, layer: str, kind: str
) -> None:
    name = module(
        f"class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.layer = nn.{layer}\n"
        "    def forward(self, a, b):\n        return self.layer(a + b)\n"
    )
    torch.save(make_network(f"{name}:Net").state_dict(), tmp_path / "w.pth")
    assert load_foreign(f"{name}:Net", [f"{tmp_path}/w.pth"], BOTH).signature.normalization == kind


@pytest.mark.parametrize(
    ("factory", "complaint"),
    [
        ("tests.support.models.strongest", "is not of the form package.module:factory"),
        ("nowhere.net:Net", "names a module, nowhere, that is neither in .* nor installed"),
        ("torch.nowhere:Net", "names a module, torch.nowhere, that is neither in "),
        (
            "tests.support.models.strongest:Weakest",
            "names Weakest, which is not in the module tests.support.models.strongest",
        ),
        ("anyones:SCALE", "names a value of type int, which cannot be called"),
        ("anyones:Wide", r"fails when it is called without arguments \(TypeError: .*missing 1 required"),
        ("anyones:words", "returns a value of type str, not a torch.nn.Module"),
    ],
)
def test_a_factory_that_is_none_is_refused(module: Callable[[str], str], factory: str, complaint: str) -> None:
    module("SCALE = 2\nclass Wide(nn.Module):\n    def __init__(self, width): pass\ndef words(): return 'net'\n")
    with pytest.raises(CoconetError, match=f"--model {factory} {complaint}"):
        make_network(factory)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("import gone_package", "ModuleNotFoundError: No module named 'gone_package'"),
        ("def (", "SyntaxError: "),
        ("raise SystemExit('usage: train.py --data DIR')", "SystemExit: usage: train.py --data DIR"),
    ],
    ids=["package", "syntax", "command line"],
)
def test_a_module_that_fails_to_import_says_why(module: Callable[[str], str], text: str, complaint: str) -> None:
    with pytest.raises(CoconetError, match=rf"names a module that cannot be imported \({complaint}"):
        make_network(f"{module(text)}:net")


@pytest.mark.parametrize(
    ("forward", "got"),
    [
        ("(a, b)", "a tuple of 2"),
        ("torch.cat((a, b), 1)", r"a \(1, 2, 64, 80\) tensor of torch.float32"),
        ("a.transpose(2, 3)", r"a \(1, 1, 80, 64\) tensor"),
        ("(a > b).byte()", r"a \(1, 1, 64, 80\) tensor of torch.uint8"),
        ("a @ b", "RuntimeError: Expected size"),
    ],
    ids=["tuple", "channels", "transposed", "bytes", "error"],
)
def test_an_answer_of_another_kind_is_told_in_words(
    module: Callable[[str], str], tmp_path: Path, forward: str, got: str
) -> None:
    name = module(
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.n = nn.Linear(1, 1)\n"
        f"    def forward(self, a, b): return {forward}\n"
    )
    torch.save(make_network(f"{name}:Net").state_dict(), tmp_path / "w.pth")
    with pytest.raises(CoconetError, match=rf"makes a network that .*{got}.*Write a factory that wraps"):
        load_foreign(f"{name}:Net", [f"{tmp_path}/w.pth"], BOTH)


def test_missing_tensors_are_named(weights: Path) -> None:
    torch.save({"decoder.0.bias": torch.zeros(16)}, weights)
    with pytest.raises(CoconetError, match=r"tensors of Strongest: 12 missing \(decoder.0.weight, .*, ...\)"):
        load_foreign("tests.support.models.strongest:Strongest", [str(weights)], BOTH)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_truncated_weights_are_refused(weights: Path, share: float) -> None:
    whole = weights.read_bytes()
    weights.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CoconetError, match="expected a PyTorch file"):
        load_foreign("tests.support.models.strongest:Strongest", [str(weights)], BOTH)


def test_ranges_are_read() -> None:
    assert [parse_range(text) for text in ("0..1", "-1..1", "0..255", "-0.5..0.5")] == [
        *((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-0.5, 0.5))
    ]


@pytest.mark.parametrize("text", ["", "1", "0-1", "0...1", "1..0", "1..1", "a..b", "nan..1", "0..1 "])
def test_other_ranges_are_refused(text: str) -> None:
    with pytest.raises(CoconetError, match="--output-range must be the values of black and white, the lower first"):
        parse_range(text, "--output-range")


def test_the_output_has_the_range_of_the_input_unless_it_is_told() -> None:
    assert parse_signature("0..1", None, 8) == Signature((0.0, 1.0), (0.0, 1.0), 8)
    assert parse_signature("0..255", "-1..1", 1) == Signature((0.0, 255.0), (-1.0, 1.0), 1)


def test_an_odd_multiple_is_refused() -> None:
    with pytest.raises(CoconetError, match="--multiple must be 1 or an even number of pixels, not 7. Try 14."):
        parse_signature("0..1", None, 7)


@pytest.mark.parametrize("text", ["", "visible", "visible;infrared", "vis,ir", "visible,visible"])
def test_other_orders_are_refused(text: str) -> None:
    with pytest.raises(CoconetError, match="--order must be visible,infrared or infrared,visible, not"):
        parse_order(text)


def test_code_that_parses_the_command_line_when_imported_finds_none_of_ours(
    module: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["coconet", "export", "--model", "x:Net"])
    name = module(
        "import argparse, torch.nn\n"
        "argparse.ArgumentParser().parse_args()\n"
        "class Net(torch.nn.Conv2d):\n"
        "    def __init__(self):\n        super().__init__(1, 1, 1)"
    )
    make_network(f"{name}:Net")
    assert sys.argv[1:] == ["export", "--model", "x:Net"]
