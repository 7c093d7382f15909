"""The jobs of a batch out of lists, cut into slices, and what is no list."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.runtime.fleet.job import Job, Span
from coconet.runtime.fleet.job_list import check_results, in_slices, read_jobs, with_seconds
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
        "visible\nv.mp4\n": "wanted a rig, or both visible and infrared",
        "rig,visible,infrared\nr,v,i\n": "wanted a rig, or both visible and infrared",
        "rig,shape\nr,round\n": "is not a known key here; known are rig, visible, infrared, model, out",
        "rig,out\nr\n": "wanted as many values as the heading has names",
        "rig,out\nr,../up\n": "wanted a name below --out",
        "rig,out\nr,/root\n": "wanted a name below --out",
        "rig,out\nr,a\ns,a\n": "wanted a name for each result, got a twice",
        "rig\n": "wanted one recording or more",
    },
    "jobs.jsonl": {"[]\n": "wanted a JSON object in every line", "{\n": "wanted a JSON object in every line"},
    "jobs.txt": {"": "wanted a folder of recordings, or a list that ends in .csv or .jsonl"},
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in NO_LISTS.items() for text in texts])
def test_what_is_no_list_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(CoconetError) as told:
        listed(tmp_path / name, text)
    assert NO_LISTS[name][text] in str(told.value)


def test_an_empty_tree_and_an_output_among_the_recordings_are_refused(tmp_path: Path) -> None:
    ended = command("batch", tmp_path, "--out", tmp_path.parent / "out")
    assert (ended.code, "wanted one recording or more" in ended.err) == (2, True)


def test_long_recordings_are_cut_and_every_moment_is_in_one_slice() -> None:
    lengths = {"l": 200.0, "s": 80.0, "u": None}
    long, short, unknown = (Job(name, "lite", rig=name, seconds=seconds) for name, seconds in lengths.items())
    cut = in_slices([long, short, unknown], 60)
    assert [job.name for job in cut] == ["l/slice-0000", "l/slice-0001", "l/slice-0002", "s", "u"]
    assert [job.span for job in cut[:3]] == [Span(None, 60), Span(60, 120), Span(120, None)]
    assert sum(job.seconds or 0 for job in cut[:3]) == 200
    with pytest.raises(CoconetError, match="1 second or more"):
        in_slices([long], 0.5)


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
