"""The jobs of a batch: the recordings in a tree of folders, or the lines of a CSV or JSONL file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from coconet.config import Checked, check_fields
from coconet.errors import CoconetError, Refused
from coconet.files import check_no_input, read_file
from coconet.media.naming.entries import entries_below, found_by
from coconet.runtime.cameras.recorded import read_stamps
from coconet.runtime.fleet.job import PICTURES, REPORT_HTML, REPORT_JSON, VIDEO, Job, Span
from coconet.runtime.fleet.manifest import MANIFEST
from coconet.runtime.fleet.samples import picture_name
from coconet.runtime.fleet.storage import is_elsewhere
from coconet.runtime.rig.rig_file import Rig
from coconet.writing.sources import stamps_beside

RIG_FILE = "rig.toml"

TABLES = (".csv", ".jsonl")

_LEAST_SLICE_S = 1.0


class _Line(Checked):
    """A line of a list: a rig file or two addresses, and, unless they are the usual ones, a model and a name."""

    rig: str = ""
    visible: str = ""
    infrared: str = ""
    model: str = ""
    out: str = ""


def read_jobs(source: Path, model: str) -> list[Job]:
    """Find the jobs of a tree or a list. model: of those that name none.

    In a tree every folder with a rig.toml is a recording, and its path below the tree is its name. Paths in a list are
    relative to it. Raises CoconetError for a list that is none, a line that does not fit, and two results of one name.
    """
    if source.is_dir():
        rigs = sorted(path for path in entries_below(source) if path.name == RIG_FILE and found_by(path.is_file))
        found = [Job(path.parent.relative_to(source).as_posix(), model, rig=str(path)) for path in rigs]
        jobs = [replace(job, name=source.resolve().name) if job.name == "." else job for job in found]
    elif source.suffix in TABLES:
        jobs = [_job(line, number, source, model) for number, line in enumerate(_lines(source), 1)]
    else:
        wanted = f"a folder of recordings, or a list that ends in {' or '.join(TABLES)}"
        got = "another name" if source.exists() else "nothing there"
        raise Refused(source, wanted=wanted, got=got, remedy="Check the path.")
    if not jobs:
        remedy = f"Each has a {RIG_FILE} in its folder."
        raise Refused(source, wanted="one recording or more", got="none", remedy=remedy)
    names = [job.name for job in jobs]
    for name in names:
        if names.count(name) > 1:
            raise Refused(source, wanted="a name for each result", got=f"{name} twice", remedy="Give them names: out.")
    return jobs


def _lines(source: Path) -> Iterator[Mapping[str, Any]]:
    text = read_file(source, "a list of jobs").decode(errors="replace")
    if source.suffix == ".csv":
        for row in csv.DictReader(io.StringIO(text)):
            if None in row or None in row.values():
                raise _no_line(source, "as many values as the heading has names", "another number")
            yield {name.strip(): value.strip() for name, value in row.items() if value.strip()}
        return
    for line in filter(str.strip, text.splitlines()):
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            raise _no_line(source, "a JSON object in every line", "something else")
        yield fields


def _no_line(source: Path, wanted: str, got: str) -> CoconetError:
    return Refused(source, wanted=wanted, got=got, remedy="Correct the line.")


def _job(fields: Mapping[str, Any], number: int, source: Path, model: str) -> Job:
    line = check_fields(_Line, fields, f"{source}, job {number}", from_text=True)
    if bool(line.rig) == bool(line.visible and line.infrared):
        wanted = "a rig, or both visible and infrared"
        raise Refused(f"{source}, job {number}", wanted=wanted, got="neither or both", remedy="Correct the line.")
    told = PurePosixPath((line.rig or line.visible).rpartition("://")[2])
    name = line.out or str(told.parent if line.rig else told.with_suffix("")).lstrip("/.") or told.stem
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "://" in name:
        remedy = "Name a folder below --out."
        raise Refused(f"{source}, job {number}, out", wanted="a name below --out", got="another place", remedy=remedy)
    rig, visible, infrared = (_beside(source, address) for address in (line.rig, line.visible, line.infrared))
    return Job(name, line.model or model, rig, visible, infrared)


def _beside(source: Path, address: str) -> str:
    if not address or "://" in address or Path(address).is_absolute():
        return address
    return str(source.parent / address)


def in_slices(jobs: list[Job], slice_s: float) -> list[Job]:
    """Cut jobs that are longer than a slice and a half into slices; those of unknown length stay whole.

    The last slice ends with the recording. Raises CoconetError for a slice under a second.
    """
    if slice_s < _LEAST_SLICE_S:
        raise Refused(
            "--slice",
            wanted="1 second or more",
            got=f"{slice_s:g}",
            remedy="Choose longer slices.",
            says=f"must be 1 second or more, not {slice_s:g}",
        )
    found = []
    for job in jobs:
        count = 1 if job.seconds is None or job.seconds < 1.5 * slice_s else max(1, round(job.seconds / slice_s))
        if count == 1 or job.seconds is None:
            found.append(job)
            continue
        for index in range(count):
            begin_s = None if index == 0 else index * slice_s
            end_s = None if index == count - 1 else (index + 1) * slice_s
            seconds = (job.seconds if end_s is None else end_s) - (begin_s or 0)
            found.append(replace(job, name=f"{job.name}/slice-{index:04}", span=Span(begin_s, end_s), seconds=seconds))
    return found


def with_seconds(job: Job) -> Job:
    """The job with the length of its video, if that can be told without reading it."""
    try:
        rig = rig_of(job)
        seconds = [_seconds(rig.visible.address), _seconds(rig.infrared.address)]
    except (CoconetError, OSError):  # the worker says it
        return job
    known = [one for one in seconds if one is not None]
    return replace(job, seconds=min(known)) if known else job


def rig_of(job: Job) -> Rig:
    """The rig of a job. Raises CoconetError as Rig does."""
    return Rig.chosen(Path(job.rig) if job.rig else None, job.visible or None, job.infrared or None)


def check_results(jobs: Sequence[Job], root: Path) -> None:
    """Raise CoconetError for a result, of any of the jobs, that would write over what one of them reads."""
    read: list[Path | str] = []
    written = [root / name for name in (REPORT_JSON, REPORT_HTML)]
    for job in jobs:
        written += [root / job.name / name for name in (VIDEO, PICTURES, MANIFEST, picture_name(0))]
    for job in {(job.rig, job.visible, job.infrared): job for job in jobs}.values():  # slices read the same
        with suppress(CoconetError, OSError):  # the worker says it
            read += [*([job.rig] if job.rig else []), *rig_of(job).sources]
    check_no_input(written, [source for source in read if "://" not in str(source)])


def _seconds(address: str) -> float | None:
    path = Path(address)
    if is_elsewhere(address) or not path.is_file():
        return None
    sheet = stamps_beside(path)
    if sheet.is_file():
        stamps, _ = read_stamps(sheet)
        return stamps[-1].timestamp_ns / 1e9 if stamps else None
    import av

    try:
        with av.open(str(path)) as container:
            return None if container.duration is None else container.duration / av.time_base
    except (av.FFmpegError, OSError, ValueError):
        return None
