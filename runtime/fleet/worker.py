"""A worker: holds one model, and makes one result after the other, each with its manifest written last."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from threading import Event
from typing import Any, cast

from coconet import __version__
from coconet.errors import CoconetError, Refused, first_line
from coconet.event_log import warnings_heard
from coconet.files import make_folder, sha256_of
from coconet.media.naming.entries import entries_below
from coconet.redaction import redact
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.choice import choose_backend
from coconet.runtime.backends.open_backend import open_choice
from coconet.runtime.backends.tiles.backend import tiled
from coconet.runtime.cameras.open_camera import check_sources, has_end
from coconet.runtime.fleet.job import PICTURES, VIDEO, WHOLE, BatchSettings, Job, Outcome, Progress, WorkerShare
from coconet.runtime.fleet.job_list import rig_of
from coconet.runtime.fleet.manifest import (
    MANIFEST,
    MARK,
    check_own,
    key_of,
    model_hash,
    names_of_batches,
    read_complete_manifest,
    settings_of,
)
from coconet.runtime.fleet.result_names import is_of_a_result
from coconet.runtime.fleet.samples import Samples, picture_name
from coconet.runtime.fleet.storage import Results, bytes_of, fetch_into, fingerprint, is_elsewhere
from coconet.runtime.loop.pipeline import Ending
from coconet.runtime.loop.run import run_pairs
from coconet.runtime.loop.run_report import RunReport
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig, read_by
from coconet.runtime.sinks.open_sink import Output
from coconet.runtime.threads.background import Background
from coconet.writing.scratch import ScratchFolder
from coconet.writing.sources import later_parts, stamps_beside

WARM_UP_TIME_CONSTANTS = 8
"""Before a slice, so that its contrast has settled: what came earlier counts for e^-8, 0.03 %."""

LEAST_WARM_UP_S = 2.0
"""For what else follows the scene, such as dead pixels."""

_SIGN_OF_LIFE_S = 0.5


class Worker:
    """Makes results with the share of the machine that it was given. Not for two threads at once."""

    def __init__(self, settings: BatchSettings, share: WorkerShare) -> None:
        self._settings, self._share = settings, share
        self._results = Results(settings.out)
        self._held: tuple[str, Backend] | None = None
        _limit_to(share)

    def work(self, job: Job) -> Iterator[Progress | Outcome]:
        """Make the result of a job, with signs of life on the way and the outcome last.

        What is wrong with the job is its outcome; errors that come out are faults of the worker. A generator that is
        closed stops the job and leaves no result.
        """
        begun_s, outcome, heard = time.monotonic(), Outcome(None, "no outcome"), list[str]()
        try:
            with warnings_heard(job.name) as heard, ExitStack() as stack:
                heard.extend([job.note] if job.note else [])
                for sign in self._made(job, stack, heard):
                    if isinstance(sign, Outcome):
                        outcome = sign
                    else:
                        yield sign
        except CoconetError as error:
            outcome = Outcome(None, str(error), warnings=tuple(heard))
        # Last: the process may be ended as soon as it arrives.
        yield replace(outcome, seconds=time.monotonic() - begun_s)

    @property
    def _skips(self) -> bool:
        return self._settings.on_error == "skip"

    def close(self) -> None:
        """Let go of the model."""
        held, self._held = self._held, None
        if held is not None:
            held[1].close()

    def _made(self, job: Job, stack: ExitStack, heard: list[str]) -> Iterator[Progress | Outcome]:
        local = self._results.local
        if local is not None:
            make_folder(local)
        ours = names_of_batches(self._results, job.name)
        whole = VIDEO if self._settings.form == "video" else PICTURES
        check_own(self._results, job.name, (whole, MANIFEST, picture_name(0)), ours)
        staging = Path(stack.enter_context(ScratchFolder(local)))
        rig = read_by(_local_rig(job, staging), self._settings.reading)
        _check_ends(rig)
        kept = read_complete_manifest(self._results, job)
        told = None if kept is None else kept.get("inputs")
        known = told if isinstance(told, dict) else {}
        inputs = {place: fingerprint(path, known.get(place)) for place, path in _files_of(job, rig).items()}
        with suppress(OSError):
            model = model_hash(job.model)  # a missing one is told by what opens it
            settings = settings_of(job, self._settings)
            key = key_of(inputs, model, settings)
            damaged = kept is not None and kept.get("left_out")
            if kept is not None and kept.get("key") == key and (self._skips or not damaged):
                if MARK in ours:  # of a kill between the last two steps
                    self._results.remove(f"{job.name}/{MARK}")
                yield Outcome(kept, fresh=False)
                return
        backend = self._backend(job.model)
        made = staging / "result"
        make_folder(made)
        samples, stop, found = Samples(self._settings.score_every), Event(), list[RunReport]()
        gauge = RunStats(samples)
        place = f"{made}/{whole}{'/' if whole == PICTURES else ''}"
        output = Output(place, encoder=cast("Any", self._settings.encoder))
        pairs = open_rig(rig, gives_misfits=self._skips)
        if job.span != WHOLE:
            pairs.cut_out(_ns(job.span.begin_s), _ns(job.span.end_s), _ns(warm_up_s(rig)) or 0)

        def run() -> None:
            found.append(run_pairs(pairs, backend, output, ending=Ending(stop=stop), gauge=gauge))

        thread = stack.enter_context(_RunThread(run, stop))
        while thread.running:
            thread.wait(_SIGN_OF_LIFE_S)
            yield Progress(gauge.fused, samples.seconds)
        thread.check()
        pictures = samples.write_pictures(made)
        files = {path.name: bytes_of(path) for path in sorted(made.iterdir())}
        manifest: dict[str, Any] = {
            "name": job.name,
            "key": key,
            "version": __version__,
            "model": {"name": job.model, "sha256": model},
            "settings": {**settings, "on_error": self._settings.on_error},
            "inputs": inputs,
            **_facts(found[0], sliced=job.span != WHOLE),
            "warnings": list(heard),
            "scored": samples.scored,
            "figures": samples.figures,
            "pictures": pictures,
            "files": files,
            "sha256": {path.relative_to(made).as_posix(): sha256_of(path) for path in _files_below(made)},
        }
        # A worker whose driver has ended by now stops here, and publishes nothing.
        yield Progress(gauge.fused, samples.seconds)
        self._publish(job, made, manifest)
        yield Outcome(json.loads(json.dumps(manifest)))

    def _publish(self, job: Job, made: Path, manifest: dict[str, Any]) -> None:
        """Bring a result to its place: after a mark an old manifest goes first, and the new one comes last.

        What the old one speaks of and the new one does not, such as a video in place of which there are pictures now,
        goes as well: it would lie beside a manifest of another making. Raises Refused for what is not ours to replace.
        """
        new = {*manifest["files"], MANIFEST}
        with self._results.changing(job.name):
            ours = names_of_batches(self._results, job.name)
            check_own(self._results, job.name, new, ours)
            mark = {"files": sorted((ours | new) - {MARK})}
            self._results.write(f"{job.name}/{MARK}", json.dumps(mark, indent=2).encode())
            self._results.remove(f"{job.name}/{MANIFEST}")
            for name in sorted(ours - new - {MARK}):
                if is_of_a_result(name):
                    self._results.remove(f"{job.name}/{name}", folder=name == PICTURES)
            for path in sorted(made.iterdir()):
                self._results.move_in(path, f"{job.name}/{path.name}")
            self._results.write(f"{job.name}/{MANIFEST}", json.dumps(manifest, indent=2).encode())
            self._results.remove(f"{job.name}/{MARK}")

    def _backend(self, model: str) -> Backend:
        if self._held is not None and self._held[0] == model:
            return self._held[1]
        self.close()
        choice = replace(choose_backend(model, self._settings.backend), threads=self._share.width)
        self._held = (model, tiled(open_choice(choice)))
        return self._held[1]


class _RunThread(Background):
    """The thread of a run, which is told to stop when its block is left early."""

    def __init__(self, run: Any, stop: Event) -> None:
        self._ended = Event()
        super().__init__(run, "job", self._ended.set)
        self._stop = stop

    def wait(self, seconds: float) -> None:
        """Wait for the end, at most so long."""
        self._ended.wait(seconds)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._stop.set()
        self.stop(_PATIENCE_S)


_PATIENCE_S = 30.0  # for a frame that is being fused by a large network


def warm_up_s(rig: Rig) -> float:
    """How much of a recording is prepared before a slice, and thrown away."""
    return max(LEAST_WARM_UP_S, WARM_UP_TIME_CONSTANTS * rig.infrared.thermal_settings().time_constant_s)


def _facts(report: RunReport, *, sliced: bool) -> dict[str, Any]:
    """What a run came to, as a manifest keeps it. What a slice leaves out of a recording is not a loss."""
    counts = (
        {}
        if sliced
        else {
            side: {"read": count.read, "paired": count.paired, "dropped": count.dropped, "unread": count.unread}
            for side, count in (("visible", report.counts.visible), ("infrared", report.counts.infrared))
        }
    )
    return {
        "frames": report.fused,
        "passed_through": report.passed_through,
        "counts": counts,
        "trouble": "" if sliced else report.trouble,
        "left_out": report.left_out,
        "backend": report.backend,
        "encoders": list(report.encoders),
        "seconds": round(report.seconds, 3),
    }


def _limit_to(share: WorkerShare) -> None:
    """Use no more of the machine than the share: its cores, also by the libraries that have threads of their own."""
    if share.cores and hasattr(os, "sched_setaffinity"):
        with suppress(OSError):  # a container may have taken a core away
            os.sched_setaffinity(0, share.cores)
    with suppress(ImportError):
        import cv2

        cv2.setNumThreads(share.width or 1)


def _local_rig(job: Job, staging: Path) -> Rig:
    """The rig of a job, with what lies elsewhere fetched."""
    if is_elsewhere(job.rig):
        folder = fetch_into(job.rig.rpartition("/")[0], _made_folder(staging / "rig"))
        return Rig.from_file(folder / PurePosixPath(job.rig).name)
    visible, infrared = (
        str(fetch_into(address, _made_folder(staging / side))) if is_elsewhere(address) else address
        for side, address in (("visible", job.visible), ("infrared", job.infrared))
    )
    return rig_of(replace(job, visible=visible, infrared=infrared))


def _files_below(folder: Path) -> list[Path]:
    return sorted(path for path in entries_below(folder) if path.is_file())


def _made_folder(folder: Path) -> Path:
    make_folder(folder)
    return folder


_RECORDINGS = "a recording: a video, a folder of pictures, a bag, or synthetic:// with duration_s"


def _check_ends(rig: Rig) -> None:
    """Raise Refused for cameras that go on for ever: a job ends when its recordings do, and nothing stops it before."""
    for side, table in (("visible", rig.visible), ("infrared", rig.infrared)):
        check_sources(table.address, kinds=_RECORDINGS)
        if not has_end(table.address):
            remedy = "Record it first with coconet record, and name the recording."
            if table.address.lower().startswith("http"):
                remedy += " If it is a file, fetch it first: http:// and https:// are cameras."
            raise Refused(
                f"{side} camera {redact(table.address)}",
                wanted=_RECORDINGS,
                got="a camera, which has no end",
                remedy=remedy,
                says="has no end, and a job is over only when its recordings are",
            )


def _files_of(job: Job, rig: Rig) -> dict[str, Path]:
    """The files and folders that a job reads, by what they are to it."""
    found: dict[str, Path] = {} if not job.rig or is_elsewhere(job.rig) else {"rig": Path(job.rig)}
    for side, table in (("visible", rig.visible), ("infrared", rig.infrared)):
        path = Path(table.address)
        if "://" not in table.address and path.exists():
            found[side] = path
            if (stamps := stamps_beside(path)).is_file():
                found[f"{side} stamps"] = stamps
            found |= {f"{side} {part.name}": part for part in later_parts(path, Path.is_file)}
    return found


def _ns(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e9)


def error_line(error: BaseException) -> str:
    """What an unexpected error of a worker says, in one line."""
    return f"{type(error).__name__}: {first_line(error)}"
