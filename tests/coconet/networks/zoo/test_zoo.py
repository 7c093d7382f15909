"""The zoo: every network is known by its authors' files, loaded whole, and exported for frames of any size."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch

from coconet.errors import CoconetError
from coconet.networks.checkpoint import (
    NETWORKS,
    WeightOptions,
    load_checkpoint,
    load_weights,
    network_named,
    save_checkpoint,
)
from coconet.networks.network import RuledCore
from tests.support.weights.zoo import PUBLISHED, Published, published

each = pytest.mark.parametrize("one", PUBLISHED, ids=[one.name for one in PUBLISHED])
in_parts = pytest.mark.parametrize("name", ["didfuse", "rfn-nest", "smoa"])


@each
def test_the_files_hold_as_many_tensors_as_the_published_ones(one: Published) -> None:
    assert tuple(len(shapes()) for shapes, _ in one.files.values()) == one.tensors


@each
def test_a_network_is_recognised_by_one_of_its_files_and_runs_as_published(tmp_path: Path, one: Published) -> None:
    loaded = load_weights([str(one.write(tmp_path)[0])])  # partners lie beside it
    network = network_named(one.name)
    assert (loaded.network, loaded.signature, loaded.publication) == (one.name, network.published, network.publication)
    with torch.inference_mode():
        fused = loaded.core(*torch.rand(2, 1, 1, 37, 50))
    assert fused.shape == (1, 1, 37, 50)
    assert fused.isfinite().all()


def test_every_published_network_is_in_the_zoo() -> None:
    others = {network.name for network in NETWORKS if network.published is not None} - {"coconet"}
    assert {one.name for one in PUBLISHED} == others


@each
def test_a_missing_and_a_strange_tensor_are_named(tmp_path: Path, one: Published) -> None:
    if one.tensorflow:
        pytest.skip("a bundle is written from the whole table")
    path = one.write(tmp_path)[0]
    content = torch.load(path)
    state = next((content[key] for key in ("weight", "model", "params") if key in content), content)
    lost = next(name for name in reversed(state) if name.endswith("weight") and "bn." not in name and "_B" not in name)
    del state[lost]
    state["stranger"] = torch.zeros(3)
    torch.save(content, path)
    with pytest.raises(
        CoconetError, match=r"cannot fill the .*: 1 missing \(.*\) and 1 unknown \((?:\w+\.)?stranger\)"
    ):
        load_weights([str(path)])


@each
def test_weights_saved_here_name_their_network_and_fuse_the_same(tmp_path: Path, one: Published) -> None:
    loaded = load_weights([str(one.write(tmp_path)[0])])
    save_checkpoint(tmp_path / "kept.safetensors", one.name, loaded.core)
    again = load_checkpoint(tmp_path / "kept.safetensors")
    images = torch.rand(2, 1, 1, 24, 33)
    with torch.inference_mode():
        torch.testing.assert_close(again.core(*images), loaded.core(*images))


@in_parts
def test_parts_are_told_apart_by_their_tensors_or_by_what_they_are_said_to_be(tmp_path: Path, name: str) -> None:
    paths = published(name).write(tmp_path)
    parts = network_named(name).parts
    unnamed = load_weights([str(path) for path in reversed(paths)])
    labelled = load_weights([f"{part}={path}" for part, path in zip(parts, paths, strict=True)])
    assert unnamed.sha256 == labelled.sha256
    torch.testing.assert_close(unnamed.core.state_dict(), labelled.core.state_dict())


@in_parts
def test_a_part_that_is_missing_is_named_with_the_command(tmp_path: Path, name: str) -> None:
    first, *others = published(name).write(tmp_path)
    for path in others:
        path.unlink()
    parts = network_named(name).parts
    with pytest.raises(
        CoconetError, match=rf"the part {parts[1]} is missing. Name the file of each: --weights {parts[0]}=FILE"
    ):
        load_weights([str(first)])


def test_two_files_for_one_part_are_refused_by_their_names(tmp_path: Path) -> None:
    first, second = published("didfuse").write(tmp_path)
    first.rename(tmp_path / "again.pkl")
    published("didfuse").write(tmp_path, seed=1)
    with pytest.raises(CoconetError, match=r"one file that is the part encoder of didfuse, but 2 fit: .*again\.pkl"):
        load_weights([str(second)])
    path = published("tardal").write(tmp_path)[0].rename(tmp_path / "tardal.pt")
    with pytest.raises(CoconetError, match=r"weights of tardal need one file that is the whole of tardal, but 2 fit"):
        load_weights([str(path), str(published("tardal").write(tmp_path, seed=1)[0])])


def test_the_same_file_beside_the_archive_it_came_from_counts_once(tmp_path: Path) -> None:
    paths = published("didfuse").write(tmp_path)
    with zipfile.ZipFile(tmp_path / "didfuse.zip", "w") as archive:
        for path in paths:
            archive.write(path, path.name)
    loaded = [load_weights([word]) for word in (str(paths[0]), str(tmp_path), f"{tmp_path}/didfuse.zip")]
    assert {one.sha256 for one in loaded} == {loaded[0].sha256}


def zipped(path: Path, name: str) -> Path:
    """The file in an archive of its own, and no longer beside it."""
    archive = path.with_name(name)
    with zipfile.ZipFile(archive, "w") as opened:
        opened.write(path, f"models/{path.name}")
    path.unlink()
    return archive


def test_parts_in_archives_of_their_own_are_found_beside_each_other_and_inside_another(tmp_path: Path) -> None:
    coder, fusion = published("rfn-nest").write(tmp_path)
    first, second = zipped(coder, "nestfuse.zip"), zipped(fusion, "rfn_twostage.zip")
    with zipfile.ZipFile(tmp_path / "master.zip", "w") as repository:
        for archive in (first, second):
            repository.write(archive, f"imagefusion/models/{archive.name}")
    inside = f"{tmp_path}/master.zip/imagefusion/models"
    words = [
        [str(first)],
        [f"{tmp_path}/master.zip"],
        [inside],
        [f"autoencoder={inside}/nestfuse.zip", f"fusion={inside}/rfn_twostage.zip/models/{fusion.name}"],
    ]
    assert {load_weights(each_).network for each_ in words} == {"rfn-nest"}
    assert len({load_weights(each_).sha256 for each_ in words}) == 1


def test_archives_too_deep_in_each_other_are_refused(tmp_path: Path) -> None:
    path = published("densefuse").write(tmp_path)[0]
    for level in range(4):
        path = zipped(path, f"{level}.zip")
    with pytest.raises(CoconetError, match=r"3\.zip/models/2\.zip/models/1\.zip/models/0\.zip lies in 3 archives"):
        load_weights([str(path)])


def test_a_label_that_no_network_has_is_refused_with_those_there_are(tmp_path: Path) -> None:
    path = published("didfuse").write(tmp_path)[0]
    with pytest.raises(
        CoconetError, match="is named as the part front, but the parts are autoencoder, decoder, encoder, "
    ):
        load_weights([f"front={path}"])


def test_a_zip_a_folder_and_a_file_in_a_zip_mean_their_weights(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    paths = published("didfuse").write(tmp_path / "all")
    with zipfile.ZipFile(tmp_path / "models.zip", "w") as archive:
        for path in paths:
            archive.write(path, f"models/{path.name}")
        archive.writestr("models/README.txt", "trained for 120 epochs")
        archive.writestr("__MACOSX/models/._Encoder.pkl", b"junk")
    inside = [f"{tmp_path}/models.zip/models/{path.name}" for path in paths]
    loaded = [load_weights(words) for words in ([f"{tmp_path}/all"], [f"{tmp_path}/models.zip"], inside)]
    for other in loaded[1:]:
        torch.testing.assert_close(other.core.state_dict(), loaded[0].core.state_dict())
        assert other.sha256 == loaded[0].sha256


def test_a_tensorflow_checkpoint_in_a_zip_is_read(tmp_path: Path) -> None:
    index = published("sdnet").write(tmp_path)[0]
    with zipfile.ZipFile(tmp_path / "SDNet.zip", "w") as archive:
        for path in (index, index.with_name("SDNet.model.data-00000-of-00001")):
            archive.write(path, path.name)
    assert load_weights([f"{tmp_path}/SDNet.zip"]).network == "sdnet"


def test_a_damaged_zip_and_a_name_that_is_not_in_one_are_refused(tmp_path: Path) -> None:
    path = published("densefuse").write(tmp_path)[0]
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.write(path, path.name)
    with pytest.raises(CoconetError, match=r"other\.model is not in the archive\. It holds densefuse_gray\.model"):
        load_weights([f"{tmp_path}/w.zip/other.model"])
    content = bytearray((tmp_path / "w.zip").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "w.zip").write_bytes(content)
    with pytest.raises(CoconetError, match=r"w\.zip cannot be unpacked: it is damaged"):
        load_weights([f"{tmp_path}/w.zip"])


def test_files_in_a_zip_cannot_leave_the_folder_they_are_unpacked_in(tmp_path: Path) -> None:
    path = published("densefuse").write(tmp_path)[0]
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.write(path, "../../escaped.model")
    assert load_weights([f"{tmp_path}/w.zip"]).network == "densefuse"
    assert not list(tmp_path.parent.rglob("escaped.model"))


def test_a_network_inside_another_module_or_dictionary_is_found(tmp_path: Path) -> None:
    state = torch.load(published("densefuse").write(tmp_path)[0])
    wrapped = {"generator_ema": {f"fusion.{name}": tensor for name, tensor in state.items()}, "iteration": 7}
    torch.save(wrapped, tmp_path / "w.pth")
    assert load_weights([f"{tmp_path}/w.pth"]).network == "densefuse"


def test_the_colour_file_of_densefuse_is_refused_by_what_differs(tmp_path: Path) -> None:
    state = torch.load(published("densefuse").write(tmp_path)[0])
    state |= {"conv1.conv2d.weight": torch.zeros(16, 3, 3, 3), "conv5.conv2d.weight": torch.zeros(3, 16, 3, 3)}
    state["conv5.conv2d.bias"] = torch.zeros(3)
    torch.save(state, tmp_path / "densefuse_rgb.model")
    with pytest.raises(
        CoconetError, match=r"3 of another shape \(conv1\.conv2d\.weight: \(16, 3, 3, 3\) for \(16, 1, 3"
    ):
        load_weights([f"{tmp_path}/densefuse_rgb.model"])


def test_a_name_that_does_not_fit_the_tensors_is_refused_with_the_one_that_does(tmp_path: Path) -> None:
    path = published("densefuse").write(tmp_path)[0]
    with pytest.raises(CoconetError, match="holds weights of densefuse, not of tardal. Name densefuse"):
        load_weights([str(path)], WeightOptions("tardal"))


def test_tensors_of_no_network_are_said_to_be_of_none(tmp_path: Path) -> None:
    torch.save({"a.weight": torch.zeros(3)}, tmp_path / "w.pth")
    with pytest.raises(CoconetError, match="holds no published weights of tardal: 1 tensor"):
        load_weights([f"{tmp_path}/w.pth"], WeightOptions("tardal"))


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """A folder with the weights of several networks."""
    for name in ("densefuse", "didfuse", "tardal"):
        published(name).write(tmp_path)
    return tmp_path


def test_of_the_weights_in_a_folder_those_of_the_named_network_are_taken(several: Path) -> None:
    for name in ("densefuse", "didfuse", "tardal"):
        assert load_weights([str(several)], WeightOptions(name)).network == name


def test_a_folder_of_several_networks_is_refused_with_two_of_them(several: Path) -> None:
    with pytest.raises(CoconetError, match="holds weights of .*, but .* holds those of .* or the network"):
        load_weights([str(several)])


def test_a_file_that_was_named_itself_is_never_left_out(several: Path) -> None:
    words = [str(path) for name in ("densefuse", "tardal") for path in published(name).write(several)]
    with pytest.raises(CoconetError, match="holds weights of tardal, not of densefuse"):
        load_weights(words, WeightOptions("densefuse"))


@pytest.mark.parametrize(("name", "rule"), [("didfuse", "l1"), ("didfuse", "average"), ("ifcnn", "sum")])
def test_another_rule_fuses_otherwise_and_stands_in_the_card(tmp_path: Path, name: str, rule: str) -> None:
    path = published(name).write(tmp_path)[0]
    usual, other = (load_weights([str(path)], WeightOptions(rule=word)) for word in ("", rule))
    assert other.card.publication is not None
    assert other.card.publication.fusion_rule == rule
    images = torch.rand(2, 1, 1, 24, 32)
    with torch.inference_mode():
        assert not torch.allclose(usual.core(*images), other.core(*images), atol=1e-4)


@pytest.mark.parametrize(("name", "rule"), [("didfuse", "maximum"), ("tardal", "sum")])
def test_a_rule_that_a_network_has_not_is_refused(tmp_path: Path, name: str, rule: str) -> None:
    with pytest.raises(CoconetError, match=f"--rule ({rule} is not one of|does not apply)"):
        load_weights([str(published(name).write(tmp_path)[0])], WeightOptions(rule=rule))


@pytest.mark.parametrize(
    ("file", "asked", "rule"),
    [
        ("IFCNN-SUM.pth", "", "sum"),
        ("IFCNN-MEAN.pth", "", "average"),
        ("ifcnn_max.pth", "", "maximum"),
        ("summary.pth", "", "maximum"),
        ("IFCNN-SUM.pth", "average", "average"),
    ],
)
def test_a_file_named_after_its_rule_is_run_by_it_unless_another_is_asked_for(
    tmp_path: Path, file: str, asked: str, rule: str
) -> None:
    path = published("ifcnn").write(tmp_path)[0].rename(tmp_path / file)
    loaded = load_weights([str(path)], WeightOptions(rule=asked))
    assert isinstance(loaded.core, RuledCore)
    assert loaded.publication is not None
    assert (loaded.core.rule, loaded.publication.fusion_rule) == (rule, rule)
