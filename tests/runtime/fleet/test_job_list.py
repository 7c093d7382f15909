"""The jobs of a batch out of lists, cut into slices, and what is no list."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.runtime.fleet.job import LOCK, Job, Span
from coconet.runtime.fleet.job_list import check_results, in_slices, read_jobs, with_seconds
from coconet.runtime.fleet.storage import Results
from tests.support.programs.command_line import command
from tests.support.rigs.fleet_tree import write_recording


def listed(path: Path, text: str) -> list[Job]:
    path.write_text(text)
    return read_jobs(path, "lite")


def test_a_list_names_rigs_or_both_sides_relative_to_itself(tmp_path: Path) -> None:
    text = (
        "visible, infrared, rig, model, out\nv.mp4,i.mp4,,,\n,,a/rig.toml,average,mine\ns3://b/v.mp4,s3://b/i.mp4,,,\n"
    )
    first, second, third = listed(tmp_path / "jobs.csv", text.replace(", ", ","))
    assert first == Job("v", "lite", visible=str(tmp_path / "v.mp4"), infrared=str(tmp_path / "i.mp4"))
    assert second == Job("mine", "average", rig=str(tmp_path / "a" / "rig.toml"))
    assert (third.name, third.visible) == ("b/v", "s3://b/v.mp4")
    lines = '{"rig": "a/rig.toml", "out": "mine", "model": "average"}\n\n'
    assert listed(tmp_path / "jobs.jsonl", lines) == [second]


NO_LISTS = {
    "jobs.csv": {
        "visible\nv.mp4\n": "job 1 names neither a rig nor both sides",
        "rig,visible,infrared\nr,v,i\n": "job 1 names a rig and two sides",
        "rig,shape\nr,round\n": "has a column shape, which is not known; known are rig, visible, infrared, model, out.",
        "rig,modell\nr,\n": "Did you mean model? Correct the heading.",
        "rig\nftpx://a/rig.toml\n": "job 1 names an unknown kind of storage, ftpx; known are file, s3, gs, gcs,",
        "rig\nhttp://a/rig.toml\n": "job 1 names an unknown kind of storage, http",
        "visible,infrared\nv.mp4,foo://a/i.mp4\n": "job 1 names an unknown kind of storage, foo",
        "visible,infrared\ninfrared.mp4,visible.mp4\n": "job 1 names them the wrong way round: visible is infrared.mp4",
        "rig,out\n\nr\n": "line 3 has 1 value below a heading of 2 names",
        "rig,out\nr,a,b\n": "line 2 has 3 values below a heading of 2 names",
        "rig,out\nr,../up\n": "job 1, out names a place outside --out: '../up'",
        "rig,out\nr,/root\n": "names a place outside --out",
        "rig,out\nr,a\ns,a\n": "has two results of the name a",
        "rig,out\nr,a\ns,./a//\n": "has two results of the name a",
        "rig,out\nr,report.json\n": "has a result of the name report.json, where the report is written",
        "rig,out\nr,a\ns,a/fused/b\n": "has a result of the name a/fused/b, where the result a is written",
        "rig,out\nr,.\ns,frame-0000000.png\n": "where the result . is written",
        "rig;out\nr;a\n": "has ';' between its columns",
        f"rig\n{'r' * 200_000}\n": "line 2 is no line of CSV",
        "rig\n": "lists no job. Below a heading of rig,visible,infrared,model,out",
        "": "lists no job",
    },
    "jobs.jsonl": {
        "[]\n": "line 1 is not a JSON object",
        "\n{\n": "line 2 is not a JSON object",
        '{"rig": "r", "out": "a\\u0000b"}': "job 1, out names no folder",
        '{"rig": "r", "out": "\\ud800"}': "job 1, out names no folder",
        "\n": "lists no job",
    },
    "jobs.txt": {"": "Name a folder of recordings, or a list that ends in .csv or .jsonl"},
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in NO_LISTS.items() for text in texts])
def test_what_is_no_list_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(CoconetError) as told:
        listed(tmp_path / name, text)
    assert NO_LISTS[name][text] in str(told.value)


def test_an_empty_tree_and_an_output_among_the_recordings_are_refused(tmp_path: Path) -> None:
    ended = command("batch", tmp_path, "--out", tmp_path.parent / "out")
    assert (ended.code, "holds no recording" in ended.err) == (2, True)


def test_a_folder_of_videos_is_told_of_the_list_and_a_list_written_so_is_taken(tmp_path: Path) -> None:
    (tmp_path / "day.mp4").touch()
    with pytest.raises(CoconetError) as told:
        read_jobs(tmp_path, "average")
    head, line = (
        re.search(pattern, str(told.value)) for pattern in (r"first line is (\S+), and", r"such as (day\S+)\.")
    )
    assert head
    assert line
    (job,) = listed(tmp_path / "jobs.csv", f"{head[1]}\n{line[1]}\n")
    assert (job.name, Path(job.visible).name, Path(job.infrared).name) == ("monday", "day.mp4", "night.mp4")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "lit"), "lit does not exist"),
        (("--backend", "opnvino"), "Did you mean openvino?"),
        (("--address", "head:6379"), "--address is of a Ray cluster. Pass --engine ray"),
        (("--slice", "nan"), "--slice must be a finite number, not nan"),
        (("--slice", "0.5"), "--slice must be 1 or more, not 0.5"),
        (("--backend", "remote"), "cannot be remote in a batch"),
        (("--engine", "ray", "--address", "head"), "--address must be HOST:PORT of a Ray cluster or auto, not head"),
        (("--out", "foo://x"), "--out names an unknown kind of storage, foo; known are file, s3, gs,"),
    ],
)
def test_what_no_job_can_run_with_is_refused_before_the_start(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    write_recording(tmp_path / "in" / "night", frames=2)
    ended = command("batch", tmp_path / "in", "--out", tmp_path / "out", *words)
    assert (ended.code, said in " ".join(ended.err.split()), (tmp_path / "out").exists()) == (2, True, False)


def test_a_second_batch_on_the_same_results_is_refused_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    write_recording(tmp_path / "in" / "night", frames=2)
    out = tmp_path / "out"
    words = ("batch", tmp_path / "in", "--out", out, "--model", "average", "--workers", 1, "--cores", 1)
    with Results(str(out)).held():
        ended = command(*words)
        assert (ended.code, "out is being filled by another batch. Wait for" in ended.err) == (2, True)
        assert [path.name for path in out.iterdir()] == [LOCK]
    out.mkdir(exist_ok=True)
    (out / LOCK).touch()  # as a kill leaves it
    assert command(*words).code == 0
    assert sorted(path.name for path in out.iterdir()) == ["night", "report.html", "report.json"]


def test_a_list_is_read_as_spreadsheets_save_it_and_refused_if_it_is_not_utf_8(tmp_path: Path) -> None:
    saved, latin = tmp_path / "JOBS.CSV", tmp_path / "latin.csv"
    saved.write_bytes("visible,infrared,out\r\nv.mp4,i.mp4,café\r\n".encode("utf-8-sig"))
    assert [job.name for job in read_jobs(saved, "lite")] == ["café"]
    latin.write_bytes("visible,infrared,out\nv.mp4,i.mp4,café\n".encode("latin-1"))
    with pytest.raises(CoconetError, match="is not UTF-8 text at byte 36"):
        read_jobs(latin, "lite")


def test_a_slice_whose_name_another_result_has_is_refused_before_it_is_made() -> None:
    jobs = [Job("night", "lite", rig="n", seconds=200), Job("night/slice-0001", "lite", rig="m", seconds=2)]
    with pytest.raises(CoconetError, match="--slice has two results of the name night/slice-0001"):
        in_slices(jobs, 60)
    assert in_slices([replace(jobs[0], name=".")], 60)[2].name == "slice-0002"


def test_long_recordings_are_cut_and_every_moment_is_in_one_slice() -> None:
    lengths = {"l": 200.0, "s": 80.0, "u": None}
    long, short, unknown = (Job(name, "lite", rig=name, seconds=seconds) for name, seconds in lengths.items())
    cut = in_slices([long, short, unknown], 60)
    assert [job.name for job in cut] == ["l/slice-0000", "l/slice-0001", "l/slice-0002", "s", "u"]
    assert [job.span for job in cut[:3]] == [Span(None, 60), Span(60, 120), Span(120, None)]
    assert sum(job.seconds or 0 for job in cut[:3]) == 200


def test_the_length_of_a_video_is_known_before_it_is_read(tmp_path: Path) -> None:
    job = Job("night", "lite", rig=str(write_recording(tmp_path / "night", frames=15) / "rig.toml"))
    assert with_seconds(job).seconds == pytest.approx(0.5, abs=0.04)
    assert with_seconds(replace(job, rig="gone.toml")).seconds is None


def test_a_result_that_would_write_over_what_any_job_reads_is_refused(tmp_path: Path) -> None:
    write_recording(tmp_path / "out" / "day", frames=2)
    source = tmp_path / "out" / "day" / "visible.mp4"
    source.rename(source.with_name("fused.mp4"))
    text = "visible,infrared,out\nout/day/fused.mp4,out/day/infrared.mp4,{}\ngone.mp4,gone.mp4,other\n"
    with pytest.raises(CoconetError, match=r"write over or among the input .*fused\.mp4"):
        check_results(listed(tmp_path / "jobs.csv", text.format("day")), tmp_path / "out")
    check_results(listed(tmp_path / "jobs.csv", text.format("night")), tmp_path / "out")
