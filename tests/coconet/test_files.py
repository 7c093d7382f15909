from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path

import pytest

from coconet.errors import CoconetError, ExitCode, ending_with
from coconet.files import Unwritable, existing_file, free_name, plain_name, sha256_of, whole_file
from coconet.writing.outputs import check_outputs, check_writable
from coconet.writing.scratch import lock_unfinished


def test_a_file_appears_only_when_its_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    with whole_file(path) as scratch:
        scratch.write_text("done")
        assert not path.exists()
    assert path.read_text() == "done"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")

    def write_half() -> None:
        with whole_file(path) as scratch:
            scratch.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_scratch_file_keeps_the_ending_that_writers_go_by(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a.int8.onnx") as scratch:
        assert scratch.suffix == ".onnx"
        assert scratch.parent == tmp_path


def test_an_error_about_the_scratch_file_names_the_file_it_was_to_become(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with pytest.raises(CoconetError) as refused, whole_file(path) as scratch:
        raise CoconetError(
            scratch,
            wanted="a graph",
            got=f"Load of {scratch} failed",
            remedy=f"See {scratch.name}.",
            says=f"does not load from {scratch}",
        )
    error = refused.value
    assert (error.where, error.got, error.remedy) == (str(path), f"Load of {path} failed", "See model.onnx.")
    assert str(error) == f"{path} does not load from {path}. See model.onnx."


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "food").mkdir()
    fault = r"cannot be written: there is no folder .*fod\. Did you mean .*food\? Create the folder first\.$"
    with pytest.raises(CoconetError, match=fault), whole_file(tmp_path / "fod" / "x"):
        pass


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="is a folder; expected an ONNX model"):
        existing_file(tmp_path, "an ONNX model")


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9000
    (tmp_path / "x").write_bytes(content)
    assert sha256_of(tmp_path / "x") == hashlib.sha256(content).hexdigest()


def test_a_file_that_others_may_not_read_stays_so(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text("old")
    path.chmod(0o600)
    with whole_file(path) as scratch:
        scratch.write_text("new")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_is_followed_to_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    real, link = tmp_path / "there" / "rig.toml", tmp_path / "rig.toml"
    real.write_text("old")
    link.symlink_to(real)
    with whole_file(link) as scratch:
        scratch.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives files away")
def test_a_replaced_file_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text("old")
    path.chmod(0o640)
    os.chown(path, 1234, 4321)
    with whole_file(path) as scratch:
        scratch.write_text("new")
    now = path.stat()
    assert (now.st_uid, now.st_gid, now.st_mode & 0o777) == (1234, 4321, 0o640)


def test_a_read_only_file_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(CoconetError, match="is read-only"), whole_file(path):
        pass
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="a pipe with a name is of POSIX")
def test_a_device_or_a_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (
        pytest.raises(CoconetError, match="is a device or a pipe, which a file cannot replace"),
        whole_file(tmp_path / "pipe"),
    ):
        pass


def test_file_and_folder_are_on_the_disk_before_and_after_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    sync, replace = os.fsync, Path.replace

    def noted_sync(handle: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    def noted_replace(self: Path, target: Path) -> Path:
        order.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    with whole_file(tmp_path / "rig.toml") as scratch:
        scratch.write_text("new")
    assert order == ["file", "rename", "folder"]


def test_a_full_disk_is_said_in_words_and_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")

    def fill() -> None:
        with whole_file(path):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(CoconetError, match=r"out\.txt cannot be written: No space left on device"):
        fill()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A folder of one video, and pairs in ir/ and vis/, with other names that lead to them."""
    (tmp_path / "video.mp4").write_bytes(b"the only recording")
    for side in ("ir", "vis"):
        (tmp_path / "pairs" / side).mkdir(parents=True)
        (tmp_path / "pairs" / side / "a.png").write_bytes(b"a picture")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "video.mp4")
    os.link(tmp_path / "video.mp4", tmp_path / "hard.mp4")
    (tmp_path / "by").symlink_to(tmp_path / "pairs", target_is_directory=True)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "a.png").symlink_to(tmp_path / "pairs" / "vis" / "a.png")
    return tmp_path


@pytest.mark.parametrize(
    "output",
    [
        "video.mp4",
        "pairs/../video.mp4",
        "none/../video.mp4",
        "none/../pairs/vis",
        "link.mp4",
        "hard.mp4",
        "pairs",
        "by",
        "pairs/vis",
        "by/ir",
        "pairs/vis/a.png",
        "pairs/vis/new.png",
        "by/vis/new.PNG",
        "linked",
        "linked/a.png",
        ".",
        "..",
    ],
)
def test_an_output_that_is_an_input_is_refused_whatever_leads_to_it(sources: Path, output: str) -> None:
    inputs = [sources / "video.mp4", sources / "pairs", None, "synthetic://?fps=30"]
    with pytest.raises(CoconetError, match="write over or among the input"):
        check_outputs([sources / output], inputs=inputs, overwrite=True)


def test_what_is_still_being_written_may_be_an_input_too(tmp_path: Path) -> None:
    (tmp_path / "night.mp4.unfinished").write_bytes(b"what a crash has left")
    with pytest.raises(CoconetError, match="among the input"):
        check_outputs([tmp_path / "night.mp4"], inputs=[tmp_path / "night.mp4.unfinished"])


@pytest.mark.parametrize(
    "output", ["new.mp4", "out", "pairs/sheet.png", "pairs/vis/report.json", "empty", "empty.json"]
)
def test_an_output_beside_the_inputs_is_free(sources: Path, output: str) -> None:
    (sources / "empty").mkdir()
    (sources / "empty.json").touch()
    made = [] if "." in output else [sources / output]
    check_outputs([sources / output, None], inputs=[sources / "video.mp4", sources / "pairs"], made=made)


@pytest.mark.parametrize("output", ["night", "night.mp4", "none/../night", "none/../night.mp4"])
def test_what_is_there_is_refused_unless_it_may_be_replaced(tmp_path: Path, output: str) -> None:
    (tmp_path / "night").mkdir()
    (tmp_path / "night" / "rig.toml").write_text("x")
    (tmp_path / "night.mp4").write_text("x")
    path = tmp_path / output
    with pytest.raises(CoconetError) as refused:
        check_outputs([path], inputs=[])
    assert str(refused.value) == f"{path} already exists. Choose another name or pass --overwrite."
    check_outputs([path], inputs=[], overwrite=True, made=[tmp_path / "night"])


def test_two_outputs_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="is named for two outputs"):
        check_outputs([tmp_path / "a.json", tmp_path / "." / "a.json"], inputs=[])


@pytest.mark.parametrize("name", ["../../victim.png", "/victim.png", "a/b.png", "a\\b.png", "..", ".", "", "a\0.png"])
def test_a_name_from_a_file_leads_nowhere_else(name: str) -> None:
    with pytest.raises(CoconetError, match="is not the plain name of a file"):
        plain_name(name, "night/visible.stamps.csv")


def test_a_free_name_is_numbered(tmp_path: Path) -> None:
    path = tmp_path / "day.mp4"
    assert free_name(path).name == "day-2.mp4"
    assert free_name(path, "recovered").name == "day-recovered.mp4"
    (tmp_path / "day-recovered.mp4").touch()
    (tmp_path / "day-recovered-2.mp4.unfinished").touch()
    assert free_name(path, "recovered").name == "day-recovered-3.mp4"


def test_a_folder_that_cannot_be_written_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> tuple[int, str]:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with (
        pytest.raises(CoconetError, match="cannot be written: Permission denied. Choose another place"),
        whole_file(tmp_path / "a"),
    ):
        pass


def test_trying_a_place_leaves_nothing_there_and_makes_no_folder(tmp_path: Path) -> None:
    check_outputs([tmp_path / "a.json", tmp_path / "new" / "folder"], inputs=[], made=[tmp_path / "new"])
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_found_by_writing_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", fail)  # where a disk that takes names, and no content, says so at the latest
    with pytest.raises(Unwritable, match="cannot be written: No space left on device") as refused:
        check_writable(tmp_path / "a.json")
    assert (refused.value.exit_code, list(tmp_path.iterdir())) == (ExitCode.OUTPUT, [])


def test_what_cannot_be_written_is_the_outputs_fault_whatever_part_finds_it(tmp_path: Path) -> None:
    with pytest.raises(Unwritable) as refused, ending_with(ExitCode.CAMERA), whole_file(tmp_path / "no" / "x"):
        pass
    assert refused.value.exit_code == ExitCode.OUTPUT


def test_a_file_that_is_replaced_in_a_folder_that_would_be_made_is_tried_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "state.pt").write_bytes(b"of an earlier run")
    check_outputs([tmp_path / "run" / "state.pt"], inputs=[], overwrite=True, made=[tmp_path / "run"])
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["state.pt"]


def test_a_folder_that_is_replaced_within_one_that_is_made_is_tried_as_a_folder(tmp_path: Path) -> None:
    (tmp_path / "models" / "lite" / "1").mkdir(parents=True)
    (tmp_path / "models" / "lite" / "1" / "model.onnx").touch()
    version = tmp_path / "models" / "lite" / "1"
    check_outputs([version], inputs=[], overwrite=True, made=[tmp_path / "models"])


def test_what_another_process_is_writing_is_refused_before_anything_is_begun(tmp_path: Path) -> None:
    for name in ("meters.csv", "night.mp4", "recording"):
        path = tmp_path / name
        left = path.with_name(f"{name}.unfinished")
        if path.suffix:
            left.touch()
        else:
            left.mkdir()
        lock = lock_unfinished(left)
        assert lock is not None
        with pytest.raises(CoconetError, match=f"{name} is being written by another run"):
            check_outputs([tmp_path / "page.html", path], inputs=[], overwrite=True)
        os.close(lock)  # what a kill has left is for the next run to recover
        check_outputs([tmp_path / "page.html", path], inputs=[], overwrite=True)


def test_a_report_that_another_process_writes_at_its_end_is_refused_as_well(tmp_path: Path) -> None:
    report, other = tmp_path / "night.json", tmp_path / "night.html"
    with whole_file(report), pytest.raises(CoconetError, match=r"night\.json is being written by another run"):
        check_outputs([report], inputs=[], overwrite=True)
    with whole_file(other):
        check_outputs([report], inputs=[], overwrite=True)
    scratch_left = tmp_path / ".night.coconet-1-abcdefgh.json"
    scratch_left.touch()  # of a process that was killed
    check_outputs([report], inputs=[], overwrite=True)
