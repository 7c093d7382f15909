from __future__ import annotations

import re
from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.media.naming.picture_folder import pictures_in
from coconet.media.pairs import homes_of_both, pair_by_name, paired_folder


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(("infrared", "visible"), [("ir", "vis"), ("IR", "VIS"), ("infrared", "visible")])
def test_the_usual_folder_names_are_understood(tmp_path: Path, infrared: str, visible: str) -> None:
    touch(tmp_path / infrared, "a.png", "b.png")
    touch(tmp_path / visible, "b.jpg", "a.png")
    pairs = paired_folder(tmp_path)
    assert [pair.name for pair in pairs] == ["a.png", "b.jpg"]
    assert pairs[1].infrared == tmp_path / infrared / "b.png"


def test_other_files_are_no_pictures(tmp_path: Path) -> None:
    assert [path.name for path in pictures_in(touch(tmp_path / "x", "a.PNG", "notes.txt"))] == ["a.PNG"]


def test_pictures_of_kinds_that_are_not_read_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(pictures_in(touch(tmp_path, "a.png", "b.HEIC", "c.gif", ".d.heic"))) == 1
    assert "2 pictures left out, of kinds that are not read: .gif, .heic." in capsys.readouterr().err.replace("\n", " ")


def test_a_folder_without_the_two_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "ir", "a.png")
    with pytest.raises(CoconetError, match="nothing says which are visible and which infrared"):
        paired_folder(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="gone does not exist; expected a folder of paired pictures"):
        paired_folder(tmp_path / "gone")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="has no pictures: it is empty"):
        pictures_in(touch(tmp_path / "ir"))


def test_a_picture_that_stands_alone_is_named(tmp_path: Path) -> None:
    visible, infrared = touch(tmp_path / "vis", "a.png", "b.png"), touch(tmp_path / "ir", "a.png")
    with pytest.raises(CoconetError, match="do not pair: 1 picture without a partner, the first one b"):
        pair_by_name(visible, infrared)


def test_two_pictures_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"a\.jpg has the same name as a\.png"):
        pictures_in(touch(tmp_path / "vis", "a.png", "a.jpg"))


LAYOUTS = {
    "tno": (["vis/1.png", "vis/2.png"], ["ir/1.png", "ir/2.png"]),
    "roadscene": (["crop_LR_visible/FLIR_1.jpg"], ["cropinfrared/FLIR_1.jpg"]),
    "msrs": (["train/vi/1D.png", "test/vi/1D.png"], ["train/ir/1D.png", "test/ir/1D.png"]),
    "m3fd": (["Vis/00000.png"], ["Ir/00000.png"]),
    "llvip": (["visible/train/010001.jpg"], ["infrared/train/010001.jpg"]),
    "kaist": (
        ["set00/V000/visible/I00000.jpg", "set00/V001/visible/I00000.jpg"],
        ["set00/V000/lwir/I00000.jpg", "set00/V001/lwir/I00000.jpg"],
    ),
    "flir-adas": (
        ["FLIR_00006_RGB.jpg", "FLIR_00007_RGB.jpg"],
        ["FLIR_00006_PreviewData.jpeg", "FLIR_00007_PreviewData.jpeg"],
    ),
    "dji": (
        ["DJI_20240101120000_0001_W.JPG", "DJI_20240101120001_0002_W.JPG"],
        ["DJI_20240101120001_0001_T.JPG", "DJI_20240101120001_0002_T.JPG"],
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layouts_of_data_sets_pair_by_their_name(tmp_path: Path, layout: str) -> None:
    for path in (*LAYOUTS[layout][0], *LAYOUTS[layout][1]):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    pairs = paired_folder(tmp_path, layout)
    found = {tuple(path.relative_to(tmp_path).as_posix() for path in (one.visible, one.infrared)) for one in pairs}
    assert found == set(zip(*LAYOUTS[layout], strict=True))
    assert len({pair.name for pair in pairs}) == len(pairs)
    if layout != "dji":  # whose two cameras stamp their names themselves
        assert {pair.visible for pair in paired_folder(tmp_path)} == {pair.visible for pair in pairs}


def test_pictures_without_a_partner_are_left_out_by_a_pattern_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    touch(tmp_path / "x", "1_a.png", "2_a.png", "1_b.png", "other.png")
    assert [pair.name for pair in pair_by_name(tmp_path / "x", tmp_path / "x", "{}_a,{}_b")] == ["1_a.png"]
    assert "left out: 1 picture without a partner, the first one 2_a.png" in capsys.readouterr().err


def test_names_that_differ_by_capitals_or_unicode_alone_are_one_name(tmp_path: Path) -> None:
    folder = touch(tmp_path / "both", "a.png", "A.jpg")
    with pytest.raises(CoconetError, match="has the same name as"):
        pictures_in(folder)


def test_hidden_names_are_no_pictures(tmp_path: Path) -> None:
    folder = touch(tmp_path / "x", "._a.png", ".b.png", "c.png")
    assert [path.name for path in pictures_in(folder)] == ["c.png"]


def test_one_folder_for_both_sides_pairs_by_what_names_say_and_never_a_picture_with_itself(tmp_path: Path) -> None:
    both = touch(tmp_path / "x", "1_vis.png", "1_ir.png")
    assert [(one.visible.name, one.infrared.name) for one in pair_by_name(both, both)] == [("1_vis.png", "1_ir.png")]
    unclear = touch(tmp_path / "y", "1.png", "2.png")
    with pytest.raises(CoconetError, match="holds pictures such as 1.png, but nothing says which"):
        pair_by_name(unclear, unclear)


@pytest.mark.parametrize("inside", ["", "day/"])
def test_of_two_folders_that_hold_both_sides_each_gives_its_own(tmp_path: Path, inside: str) -> None:
    for scene in ("x", "y"):
        touch(tmp_path / scene, f"{inside}vis/1.png", f"{inside}ir/1.png")
    (pair,) = pair_by_name(tmp_path / "x", tmp_path / "y")
    assert pair.visible == tmp_path / "x" / inside / "vis/1.png"
    assert pair.infrared == tmp_path / "y" / inside / "ir/1.png"


def test_of_two_folders_whose_names_say_the_side_each_gives_its_own(tmp_path: Path) -> None:
    for scene in ("x", "y"):
        touch(tmp_path / scene, "1_vis.png", "1_ir.png")
    (pair,) = pair_by_name(tmp_path / "x", tmp_path / "y")
    assert (pair.visible, pair.infrared) == (tmp_path / "x/1_vis.png", tmp_path / "y/1_ir.png")


def test_a_folder_above_both_sides_pairs_with_the_infrared_folder_inside(tmp_path: Path) -> None:
    touch(tmp_path, "vis/1.png", "ir/1.png")
    (pair,) = pair_by_name(tmp_path, tmp_path / "ir")
    assert (pair.visible.parent.name, pair.infrared.parent.name) == ("vis", "ir")


def test_a_folder_of_other_files_is_refused_by_their_endings(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"only other files \(\.jp2, \.txt\)"):
        pictures_in(touch(tmp_path, "1.jp2", "2.jp2", "notes.txt"))


UNPAIRED = [
    (["vi/VIS1.png", "vi/VIS2.png", "ir/IR1.png", "ir/IR2.png"], 2),
    (["00_co.png", "00_ir.png", "01_co.png", "01_ir.png"], 2),
    (["train/trainimg/7.jpg", "train/trainimg/8.jpg", "train/trainimgr/7.jpg", "train/trainimgr/8.jpg"], 2),
    (["DJI_20240101_0001_V.JPG", "DJI_20240102_0001_T.JPG"], 1),
    (["a/men/IR_x.bmp", "a/men/VIS_y.bmp", "b/bosnia/IR.bmp", "b/bosnia/VIS.bmp"], 2),
    (["v1/rgb/a.png", "v1/rgb/b.png", "v1/thermal/a.tif", "v2/rgb/c.png", "v2/thermal/c.tif"], 2),
    (["rgb/cam0_1.png", "rgb/cam0_2.png", "thermal/cam1_2.png", "thermal/cam1_3.png"], 1),
]


@pytest.mark.parametrize(("names", "count"), UNPAIRED)
def test_where_nothing_pairs_the_error_names_the_option_that_does(tmp_path: Path, names: list[str], count: int) -> None:
    touch(tmp_path, *names)
    with pytest.raises(CoconetError) as caught:
        paired_folder(tmp_path)
    option = re.search(r'--pair-by "?([^"]+)"?$', caught.value.remedy)
    assert option is not None
    pairs = paired_folder(tmp_path, option[1])
    assert len(pairs) == count
    assert not any("ir" in pair.visible.name.lower() or "_t." in pair.visible.name.lower() for pair in pairs)


def test_names_that_differ_by_more_than_letters_in_two_folders_are_paired_by_what_the_error_says(
    tmp_path: Path,
) -> None:
    left = touch(tmp_path / "a", "img_1_left.png", "img_2_left.png", "img_3_left.png")
    right = touch(tmp_path / "b", "img-1-right.png", "img-2-right.png", "img-3-right.png")
    with pytest.raises(CoconetError, match='They pair with: --pair-by "img_{}_left,img-{}-right"'):
        pair_by_name(left, right)


def test_a_data_set_by_its_name_pairs_in_the_folders_of_another_copy_too(tmp_path: Path) -> None:
    touch(tmp_path, "VI/1.bmp", "IR/1.bmp")
    assert [pair.name for pair in paired_folder(tmp_path, "tno")] == ["1.bmp"]


def test_links_that_lead_nowhere_are_no_pictures_and_no_folders(tmp_path: Path) -> None:
    for name, target in (("a.png", "a.png"), ("b.png", "x" * 300), ("c", "c"), ("d", "x" * 300)):
        (tmp_path / name).symlink_to(target)
    with pytest.raises(CoconetError, match="it is empty"):
        pictures_in(tmp_path)
    assert homes_of_both(tmp_path) == []
