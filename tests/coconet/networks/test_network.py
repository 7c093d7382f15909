"""Networks: every record holds together, and one more is recognised, run and refused for training by its record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from coconet.cards.model_card import Signature
from coconet.errors import CoconetError
from coconet.networks.checkpoint import NETWORKS, load_checkpoint, network_named
from coconet.networks.coconet import PUBLISHED
from coconet.networks.network import Network

each_network = pytest.mark.parametrize("network", NETWORKS, ids=[network.name for network in NETWORKS])


class Blend(nn.Module):
    """Someone's published network."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1_1 = nn.Conv2d(2, 1, kernel_size=3, padding=1)  # a name that CoCoNet has too, of another shape
        self.shift = nn.Parameter(torch.zeros(1))
        self.awake = False

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        answer: Tensor = self.conv1_1(torch.cat((visible, infrared), dim=1)) + self.shift
        return answer


def _wake(core: Blend, signature: Signature) -> None:
    core.awake = signature == BLEND.published


BLEND = Network("blend", Blend, Signature(), published=Signature((0.0, 255.0), (0.0, 255.0)), ready=_wake)


@pytest.fixture
def one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coconet.networks.checkpoint.NETWORKS", (*NETWORKS, BLEND))


def saved(core: nn.Module, path: Path, prefix: str = "") -> Path:
    torch.save({"net": {f"{prefix}{name}": tensor for name, tensor in core.state_dict().items()}}, path)
    return path


@each_network
def test_a_core_takes_two_images_of_its_multiple_and_gives_one(network: Network[Any]) -> None:
    side = 2 * max(network.signature.side_multiple, 8)  # smaller ones cannot be halved or reflected in all of them
    core = network.build().eval()
    network.ready(core, network.signature)
    with torch.inference_mode():
        assert core(*torch.rand(2, 1, 1, side, side + network.signature.side_multiple)).shape[2:] == (
            side,
            side + network.signature.side_multiple,
        )


@each_network
def test_a_name_finds_its_network_and_its_own_tensors_are_all_of_it(network: Network[Any]) -> None:
    assert network_named(network.name) is network
    state = network.build().state_dict()
    assert [other.likeness(state) == 1.0 for other in NETWORKS] == [other is network for other in NETWORKS]


@pytest.mark.usefixtures("one_more")
@pytest.mark.parametrize("prefix", ["", "module.", "module._orig_mod."])
def test_published_weights_are_recognised_by_names_and_shapes_and_bring_their_semantics(
    tmp_path: Path, prefix: str
) -> None:
    loaded = load_checkpoint(saved(Blend(), tmp_path / "w.pth", prefix))
    assert (loaded.network, loaded.signature) == ("blend", BLEND.published)
    assert isinstance(loaded.core, Blend)
    assert loaded.core.awake
    other = load_checkpoint(saved(network_named("coconet").build(), tmp_path / "c.pth"))
    assert (other.network, other.signature) == ("coconet", PUBLISHED)


@pytest.mark.usefixtures("one_more")
def test_weights_that_are_nearly_of_a_network_are_refused_with_what_differs(tmp_path: Path) -> None:
    core = Blend()
    core.register_buffer("stranger", torch.zeros(1))
    with pytest.raises(CoconetError, match=r"cannot fill the 3 tensors of Blend: 1 unknown \(stranger\)"):
        load_checkpoint(saved(core, tmp_path / "w.pth"))


@pytest.mark.usefixtures("one_more")
def test_weights_of_no_network_are_refused_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(
        CoconetError,
        match=r"no published weights of coconet, .* or blend: 2 tensors, such as weight \(2, 3\). .*--model",
    ):
        load_checkpoint(saved(nn.Linear(3, 2), tmp_path / "w.pth"))
