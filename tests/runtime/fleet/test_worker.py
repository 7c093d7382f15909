"""A worker: results whole and once, whatever was there, and slices like the whole."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.image import read_visible
from coconet.metrics.fusion import psnr
from coconet.runtime.cameras.camera import Camera
from coconet.runtime.fleet import storage
from coconet.runtime.fleet import worker as worker_module
from coconet.runtime.fleet.batch import BatchResult
from coconet.runtime.fleet.job import BatchSettings, Job, Outcome, OutputForm, Progress, Span, WorkerShare
from coconet.runtime.fleet.job_list import read_jobs
from coconet.runtime.fleet.report import report_of, to_html
from coconet.runtime.fleet.storage import Results
from coconet.runtime.fleet.worker import Worker
from coconet.runtime.frame import Frame
from coconet.runtime.rig.recorder import Recorder
from tests.support.media.recordings import ListCamera, noisy_video, write_video
from tests.support.rigs.fleet_tree import RIG, contents, cut_in_the_middle, write_recording

NOTHING_PINNED = WorkerShare(())


def outcome_of(signs: Iterable[Progress | Outcome]) -> Outcome:
    *_, last = signs
    assert isinstance(last, Outcome)
    return last


def worker_for(out: Path | str, form: OutputForm = "video", score_every: int = 4) -> Worker:
    return Worker(BatchSettings(str(out), form, score_every, encoder="auto"), NOTHING_PINNED)


def skipping_worker(out: Path) -> Worker:
    return Worker(BatchSettings(str(out), score_every=4, on_error="skip"), NOTHING_PINNED)


def job_of(recording: Path, name: str = "night") -> Job:
    return Job(name, "average", rig=str(recording / "rig.toml"))


def test_a_result_holds_the_video_figures_pictures_and_what_it_was_made_of(tmp_path: Path) -> None:
    recording = write_recording(tmp_path / "night")
    outcome = outcome_of(worker_for(tmp_path / "out").work(job_of(recording)))
    manifest = json.loads((tmp_path / "out" / "night" / "manifest.json").read_text())
    assert (manifest, outcome.fresh) == (outcome.manifest, True)
    assert (manifest["frames"], manifest["scored"], manifest["counts"]["visible"]["dropped"]) == (8, 2, 0)
    assert manifest["figures"].keys() == {"EN", "AG", "SF", "SD", "SCD", "VIF"}
    assert {*manifest["files"]} == {"fused.mp4", *manifest["pictures"]}
    assert {*manifest["inputs"]} == {"rig", "visible", "infrared"}
    with av.open(str(tmp_path / "out" / "night" / "fused.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == 8
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["night"]


def test_what_is_warned_of_names_its_job_and_stands_in_the_report_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = write_recording(tmp_path / "night")
    gray, colour = str(recording / "infrared.mp4"), str(recording / "visible.mp4")
    jobs = [Job(name, "average", visible=gray, infrared=colour) for name in ("one", "two")]
    worker = worker_for(tmp_path / "out")
    made = {job.name: outcome_of(worker.work(job)) for job in jobs}
    again = outcome_of(worker.work(jobs[0]))
    assert capsys.readouterr().err == ""
    told = report_of(BatchResult({**made, "again": again}, stopped=False))
    for name in ("one", "two", "again"):
        assert any("are the two sides swapped?" in line for line in told["results"][name]["warnings"])
    assert to_html(told).count("are the two sides swapped?") >= 3
    assert {name for name, _ in BatchResult(made, stopped=False).warnings} == {"one", "two"}


def test_frames_that_nobody_reads_after_the_end_of_the_other_side_are_counted(tmp_path: Path) -> None:
    recording = write_recording(tmp_path / "night")
    write_video(recording / "visible.mp4", [np.full((48, 64, 3), 90, np.uint8)] * 300)
    outcome = outcome_of(worker_for(tmp_path / "out").work(job_of(recording)))
    assert outcome.manifest is not None
    count = outcome.manifest["counts"]["visible"]
    assert count["unread"] > 0
    assert count["paired"] + count["dropped"] + count["unread"] == 300
    page = to_html(report_of(BatchResult({"night": outcome}, stopped=False)))
    assert f"{count['unread']} more of visible after the other&#x27;s end" in page


def test_a_note_on_a_job_is_a_warning_of_its_result(tmp_path: Path) -> None:
    recording = write_recording(tmp_path / "night")
    outcome = outcome_of(worker_for(tmp_path / "out").work(replace(job_of(recording), note="was left unfinished")))
    assert BatchResult({"night": outcome}, stopped=False).warnings == [("night", "was left unfinished")]


@pytest.mark.parametrize(
    "edited",
    [{"inputs": "none"}, {"inputs": {"rig": 7, "visible": {"visible.mkv": "x"}}}, {"warnings": 3}, {"frames": "x"}],
)
def test_a_manifest_that_was_edited_is_no_reason_to_fail(tmp_path: Path, edited: dict[str, Any]) -> None:
    recording, out = write_recording(tmp_path / "night"), tmp_path / "out"
    made = outcome_of(worker_for(out).work(job_of(recording)))
    place = out / "night" / "manifest.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), **edited}))
    again = outcome_of(worker_for(out).work(job_of(recording)))
    assert (again.manifest or {})["frames"] == (made.manifest or {})["frames"]


def test_what_is_there_is_not_made_again_until_something_that_it_is_made_of_changes(tmp_path: Path) -> None:
    recording, out = write_recording(tmp_path / "night"), tmp_path / "out"
    job, made = job_of(recording), outcome_of(worker_for(out).work(job_of(recording)))
    assert outcome_of(worker_for(out).work(job)) == replace(made, fresh=False)
    (recording / "rig.toml").touch()  # a time is no content
    assert not outcome_of(worker_for(out).work(job)).fresh
    assert outcome_of(worker_for(out).work(replace(job, model="maximum"))).fresh
    assert not outcome_of(worker_for(out).work(replace(job, model="maximum"))).fresh
    with (recording / "rig.toml").open("a") as rig:
        rig.write("black_hot = true\n")
    assert outcome_of(worker_for(out).work(replace(job, model="maximum"))).fresh


def test_a_later_part_of_a_recording_is_one_of_its_inputs_here_and_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("fsspec", reason="opens addresses: pip install fsspec")
    folder = tmp_path / "in"
    shapes = [(24, 32), (24, 32), (48, 64), (48, 64)]
    gray, counts = (
        [Frame(np.full((*shape, 1), 90, kind), i * 40_000_000, i) for i, shape in enumerate(shapes)]
        for kind in (np.uint8, np.uint16)
    )
    with Recorder(ListCamera(gray), ListCamera(counts), folder) as recorder:
        while not recorder.finished:
            time.sleep(0.01)
    visible, infrared = (folder / f"{side}.mkv" for side in ("visible", "infrared"))
    assert len(list(folder.glob("*.mkv"))) == 4
    worker = worker_for(tmp_path / "out")
    here = Job("here", "average", visible=str(visible), infrared=str(infrared))
    there = replace(here, name="there", visible=visible.as_uri(), infrared=infrared.as_uri())
    made = [outcome_of(worker.work(job)) for job in (here, there)]
    assert [outcome.reason for outcome in made] == ["", ""]
    manifests = [outcome.manifest or {} for outcome in made]
    assert [manifest["frames"] for manifest in manifests] == [4, 4]
    assert all("infrared infrared-2.mkv" in manifest["inputs"] for manifest in manifests)


def test_a_result_of_another_form_or_with_fewer_pictures_takes_the_old_one_with_it(tmp_path: Path) -> None:
    recording, out = write_recording(tmp_path / "night"), tmp_path / "out"
    job, kept = job_of(recording), out / "night" / "frame-of-mine.png"
    forms: tuple[OutputForm, ...] = ("video", "pictures", "video")
    for form in forms:
        manifest = outcome_of(worker_for(out, form, 1).work(job)).manifest or {}
        assert {path.name for path in kept.parent.iterdir()} == {*manifest["files"], "manifest.json"}
    kept.touch()
    outcome_of(worker_for(out, score_every=100).work(job))
    assert [path.name for path in sorted(kept.parent.glob("frame*"))] == ["frame-0000000.png", kept.name]


def test_a_result_that_lacks_something_is_made_again(tmp_path: Path) -> None:
    recording, out = write_recording(tmp_path / "night"), tmp_path / "out"
    outcome_of(worker_for(out).work(job_of(recording)))
    before = contents(out)
    (out / "night" / "fused.mp4").unlink()
    assert outcome_of(worker_for(out).work(job_of(recording))).fresh
    assert contents(out) == before


@pytest.mark.parametrize("name", ["fused.mp4", "manifest.json", "frame-0000000.png", "frame-0000004.png"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_file_in_the_place_of_a_result_that_no_batch_wrote_is_kept(
    tmp_path: Path, name: str, elsewhere: bool
) -> None:
    if elsewhere:
        pytest.importorskip("fsspec", reason="opens addresses: pip install fsspec")
    recording, out = write_recording(tmp_path / "in" / "night"), tmp_path / "out"
    (out / "night").mkdir(parents=True)
    (out / "night" / name).write_text('{"files": []}')
    outcome = outcome_of(worker_for(out.as_uri() if elsewhere else out).work(job_of(recording)))
    assert f"has night/{name}, which no batch wrote and this one would replace. Move it" in outcome.reason
    assert contents(out) == ({} if name == "manifest.json" else {f"night/{name}": b'{"files": []}'})
    assert (out / "night" / name).read_text() == '{"files": []}'


def test_a_folder_of_others_beside_a_result_of_another_form_is_kept(tmp_path: Path) -> None:
    recording, out = write_recording(tmp_path / "in" / "night"), tmp_path / "out"
    assert outcome_of(worker_for(out).work(job_of(recording))).fresh
    (out / "night" / "fused").mkdir()
    (out / "night" / "fused" / "mine.png").touch()
    assert (
        "has night/fused, which no batch wrote"
        in outcome_of(worker_for(out, "pictures").work(job_of(recording))).reason
    )
    assert (out / "night" / "fused" / "mine.png").exists()
    assert not outcome_of(worker_for(out).work(job_of(recording))).fresh


@pytest.mark.slow
@pytest.mark.parametrize("elsewhere", [False, True])
def test_whenever_the_bringing_of_a_result_is_broken_off_it_is_made_again_and_leaves_nothing_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    if elsewhere:
        pytest.importorskip("fsspec", reason="opens addresses: pip install fsspec")
    recording, out = write_recording(tmp_path / "in" / "night"), tmp_path / "out"
    outcome_of(worker_for(tmp_path / "old", "pictures", 1).work(job_of(recording)))
    for step in range(11):  # the mark, the old manifest, pictures that go, two files, the new manifest, the mark
        shutil.copytree(tmp_path / "old", out)
        worker, calls = worker_for(out.as_uri() if elsewhere else out), count()
        with monkeypatch.context() as changed:
            for name in ("write", "remove", "move_in"):
                changed.setattr(Results, name, _breaking(getattr(Results, name), calls, step))
            with suppress(KeyboardInterrupt):
                outcome_of(worker.work(job_of(recording)))
        left = {path.name for path in (out / "night").iterdir()}
        again = outcome_of(worker.work(job_of(recording)))
        assert again.manifest is not None, (step, left, again.reason)
        assert {path.name for path in (out / "night").iterdir()} == {*again.manifest["files"], "manifest.json"}
        shutil.rmtree(out)
    assert next(calls) == step


def _breaking(call: Callable[..., None], calls: Iterator[int], step: int) -> Callable[..., None]:
    """The call, until the one of that number, which is as good as the end of the process."""

    def breaking(*words: object, **more: object) -> None:
        if next(calls) == step:
            raise KeyboardInterrupt
        call(*words, **more)

    return breaking


def test_a_manifest_has_the_hash_of_every_file_of_the_result(tmp_path: Path) -> None:
    recording, out = write_recording(tmp_path / "in" / "night"), tmp_path / "out"
    for form in ("video", "pictures"):
        manifest = outcome_of(worker_for(out, form).work(job_of(recording))).manifest
        assert manifest is not None
        found = {name: hashlib.sha256(data).hexdigest() for name, data in contents(out / "night").items()}
        assert manifest["sha256"] == found


def test_a_manifest_is_gone_before_anything_it_speaks_of_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, out = write_recording(tmp_path / "night"), tmp_path / "out"
    outcome_of(worker_for(out).work(job_of(recording)))
    worker = worker_for(out)

    def full(*_: object) -> None:
        assert not (out / "night" / "manifest.json").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(worker._results, "move_in", full)
    with pytest.raises(KeyboardInterrupt):
        outcome_of(worker.work(replace(job_of(recording), model="maximum")))
    assert outcome_of(worker_for(out).work(job_of(recording))).fresh


def test_two_processes_never_change_one_result_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_LOCKED_S", 0.05)
    results = Results(str(tmp_path))
    refused = pytest.raises(CoconetError, match="is being written by another process")
    with results.changing("night"), refused, results.changing("night"):
        pytest.fail("both change it")
    with results.changing("night"):
        assert (tmp_path / "night").is_dir()


def test_a_job_that_is_left_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "_SIGN_OF_LIFE_S", 0.0)
    recording, out = write_recording(tmp_path / "night", frames=60), tmp_path / "out"
    signs = worker_for(out).work(job_of(recording))
    assert isinstance(next(signs), Progress)
    signs.close()  # type: ignore[attr-defined]
    assert list(out.iterdir()) == []


def test_what_is_wrong_with_a_recording_is_its_outcome(tmp_path: Path) -> None:
    recording, out = write_recording(tmp_path / "night"), tmp_path / "out"
    worker = worker_for(out)
    assert "does not exist" in outcome_of(worker.work(replace(job_of(recording), model="gone.onnx"))).reason
    cut_in_the_middle(recording)
    assert "is damaged in frame" in outcome_of(worker.work(job_of(recording))).reason
    (recording / "rig.toml").write_text("[visible]\n")
    assert "is missing" in outcome_of(worker.work(job_of(recording))).reason
    assert not (out / "night").exists()


def test_inputs_and_results_may_be_addresses_of_fsspec(tmp_path: Path) -> None:
    pytest.importorskip("fsspec", reason="opens addresses: pip install fsspec")
    recording, here, there = write_recording(tmp_path / "night"), tmp_path / "here", tmp_path / "there"
    outcome_of(worker_for(here).work(job_of(recording)))
    visible, infrared = ((recording / f"{side}.mp4").as_uri() for side in ("visible", "infrared"))
    jobs = [
        Job("night", "average", rig=(recording / "rig.toml").as_uri()),
        Job("sides", "average", visible=visible, infrared=infrared),
    ]
    worker = worker_for(there.as_uri())
    assert [outcome_of(worker.work(job)).reason for job in jobs] == ["", ""]
    assert [outcome_of(worker.work(job)).fresh for job in jobs] == [False, False]
    found = contents(there)
    assert {name: data for name, data in found.items() if name.startswith("night")} == contents(here)
    assert found["sides/fused.mp4"] == found["night/fused.mp4"]
    gone = Job("gone", "average", visible=(tmp_path / "gone.mp4").as_uri(), infrared=infrared)
    assert "cannot be reached through fsspec: no such file" in outcome_of(worker.work(gone)).reason


def counts_camera(side: str, frames: int) -> Camera:
    """Sixteen bit pictures of a scene that warms up all the time, or gray ones, five a second."""
    levels = np.random.default_rng(1).integers(0, 400, (48, 64, 1))
    made = []
    for index in range(frames):
        counts = (8000 + 30 * index + levels).astype(np.uint16)
        pixels = counts if side == "infrared" else np.full((48, 64, 3), 90, np.uint8)
        made.append(Frame(pixels, index * 200_000_000, index))
    return ListCamera(made, name=side)


def test_slices_are_the_whole_but_for_rounding_though_the_contrast_follows_the_scene(tmp_path: Path) -> None:
    frames = 60
    with Recorder(counts_camera("visible", frames), counts_camera("infrared", frames), tmp_path / "night") as recorder:
        while not recorder.finished:
            time.sleep(0.01)
        recorder.add_file("rig.toml", '[visible]\naddress = "visible.mkv"\n[infrared]\naddress = "infrared.mkv"\n')
    worker, job = worker_for(tmp_path / "out", "pictures"), job_of(tmp_path / "night")
    spans = {"whole": Span(), "first": Span(None, 6.0), "second": Span(6.0, None)}
    for name, span in spans.items():
        assert outcome_of(worker.work(replace(job, name=name, span=span))).reason == ""
    pictures = {
        name: [read_visible(path) for path in sorted((tmp_path / "out" / name / "fused").iterdir())] for name in spans
    }
    assert [len(found) for found in pictures.values()] == [60, 30, 30]
    sliced = [*pictures["first"], *pictures["second"]]
    distances = [psnr(one[:, :, 0], two[:, :, 0]) for one, two in zip(pictures["whole"], sliced, strict=True)]
    assert min(distances[:30]) == float("inf")
    assert min(distances) >= 50


def test_jobs_of_a_tree_are_found_by_their_rig_files(tmp_path: Path) -> None:
    for name in ("b", "a/deep"):
        write_recording(tmp_path / name, frames=2)
    assert [job.name for job in read_jobs(tmp_path, "lite")] == ["a/deep", "b"]


@pytest.mark.parametrize("address", ["synthetic://?width=64&height=48", "/dev/video99", "rtsp://127.0.0.1:9/1"])
def test_a_camera_is_no_recording_and_is_a_failed_job_at_once(tmp_path: Path, address: str) -> None:
    outcome = outcome_of(worker_for(tmp_path / "out").work(Job("night", "average", visible=address, infrared=address)))
    assert outcome.manifest is None
    assert "has no end" in outcome.reason
    assert "coconet record" in outcome.reason


def test_what_is_whole_of_a_cut_recording_is_fused_if_asked_for_and_fails_otherwise(tmp_path: Path) -> None:
    recording, out = write_recording(tmp_path / "night", frames=40), tmp_path / "out"
    cut = noisy_video(recording / "visible.mkv", 40)  # of MP4 nothing could be read without its end
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    (recording / "rig.toml").write_text(RIG.replace("visible.mp4", "visible.mkv"))
    refused = outcome_of(worker_for(out).work(job_of(recording)))
    assert refused.manifest is None
    assert "coconet run and batch" in refused.reason
    made = outcome_of(skipping_worker(out).work(job_of(recording)))
    assert made.manifest is not None
    assert 0 < made.manifest["frames"] < 40
    assert made.manifest["left_out"]
    assert made.manifest["settings"]["on_error"] == "skip"
    assert not outcome_of(skipping_worker(out).work(job_of(recording))).fresh
    assert outcome_of(worker_for(out).work(job_of(recording))).manifest is None  # a damaged result is not a whole one


def test_a_whole_result_need_not_be_made_again_to_skip_what_is_damaged(tmp_path: Path) -> None:
    recording, out = write_recording(tmp_path / "night"), tmp_path / "out"
    assert outcome_of(worker_for(out).work(job_of(recording))).fresh
    assert not outcome_of(skipping_worker(out).work(job_of(recording))).fresh
