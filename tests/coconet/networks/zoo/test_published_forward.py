"""Every network of the zoo gives the values of its description, written a second time and apart from its layers."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from coconet.networks.camera_ready import Fuser
from coconet.networks.checkpoint import Checkpoint, WeightOptions, load_weights
from tests.support.weights.zoo import PUBLISHED, Published, published
from tests.support.weights.zoo_forward import FORWARD

LEVELS = 1e-4 * 255


def require_the_described_picture(loaded: Checkpoint, one: Published, rule: str = "") -> None:
    random = torch.Generator().manual_seed(1)
    infrared, visible = (torch.rand(2, 1, 1, 16, 19, generator=random) * 255).unbind()
    with torch.inference_mode():
        wanted = FORWARD[one.name](one.states(), infrared, visible, rule)
        swapped = FORWARD[one.name](one.states(), visible, infrared, rule)
        given = Fuser(loaded.core, loaded.signature).fuse_gray(visible, infrared)
    torch.testing.assert_close(given, wanted, atol=LEVELS, rtol=1e-5)
    assert wanted.std() > 2  # a picture, not a plain
    assert loaded.publication is not None
    assert torch.allclose(swapped, wanted, atol=LEVELS) == (loaded.publication.order == "either")


@pytest.mark.parametrize("one", PUBLISHED, ids=[one.name for one in PUBLISHED])
def test_files_wrapped_as_they_are_passed_on_give_what_the_description_computes(tmp_path: Path, one: Published) -> None:
    paths = one.write(tmp_path)
    with zipfile.ZipFile(tmp_path / "weights.zip", "w") as archive:
        for path, state in zip(paths, one.states(), strict=True):
            if not one.tensorflow:
                parallel = {f"module.{name}": tensor for name, tensor in state.items()}
                torch.save({"epoch": 7, "loss": [np.float64(0.5)], "model": {"state_dict": parallel}}, path)
        for path in sorted(tmp_path.iterdir()):
            if path.suffix != ".zip":
                archive.write(path, f"models/{path.name}")
    loaded = load_weights([f"{tmp_path}/weights.zip"])
    assert loaded.network == one.name
    require_the_described_picture(loaded, one)


@pytest.mark.parametrize(
    ("name", "rule"), [("didfuse", "average"), ("didfuse", "l1"), ("ifcnn", "sum"), ("ifcnn", "average")]
)
def test_another_rule_gives_what_its_description_computes(tmp_path: Path, name: str, rule: str) -> None:
    paths = published(name).write(tmp_path)
    loaded = load_weights([str(path) for path in paths], WeightOptions(rule=rule))
    require_the_described_picture(loaded, published(name), rule)
