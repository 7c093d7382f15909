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
from coconet.errors import CoconetError, Refused, counted, nearest, nearest_path
from coconet.files import read_file
from coconet.media.naming.entries import entries_below, found_by
from coconet.redaction import is_network_address, redact
from coconet.runtime.cameras.open_camera import names_camera
from coconet.runtime.cameras.recorded import read_stamps
from coconet.runtime.fleet.job import PICTURES, REPORT_HTML, REPORT_JSON, VIDEO, Job, Span
from coconet.runtime.fleet.manifest import MANIFEST
from coconet.runtime.fleet.result_names import check_names, result_name
from coconet.runtime.fleet.samples import picture_name
from coconet.runtime.fleet.storage import is_elsewhere, unknown_storage
from coconet.runtime.rig.naming.named_cameras import say_reverse
from coconet.runtime.rig.rig_file import Rig
from coconet.writing.outputs import check_no_input
from coconet.writing.sources import stamps_beside

RIG_FILE = "rig.toml"

TABLES = (".csv", ".jsonl")


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
    if is_network_address(str(source)):
        says = "is an address, and a tree or a list lies on this machine"
        remedy = "Fetch the list; its lines may name addresses."
        raise Refused(source, wanted="a path on this machine", got="an address", remedy=remedy, says=says)
    if source.is_dir():
        rigs = sorted(path for path in entries_below(source) if path.name == RIG_FILE and found_by(path.is_file))
        found = [Job(path.parent.relative_to(source).as_posix(), model, rig=str(path)) for path in rigs]
        jobs = [replace(job, name=source.resolve().name) if job.name == "." else job for job in found]
    elif source.suffix.lower() in TABLES:
        jobs = [_job(line, number, source, model) for number, line in enumerate(_lines(source), 1)]
    else:
        wanted = f"a folder of recordings, or a list that ends in {' or '.join(TABLES)}"
        got = "another name" if source.exists() else "nothing there"
        raise Refused(
            source,
            wanted=wanted,
            got=got,
            remedy=f"{'' if source.exists() else nearest_path(source)}Name {wanted}.",
            says="is neither a folder of recordings nor a list" if source.exists() else "does not exist",
        )
    if not jobs:
        raise _empty(source)
    check_names(jobs, source)
    return jobs


def _empty(source: Path) -> CoconetError:
    if source.is_dir():
        says = "holds no recording"
        remedy = (
            f"Each recording has a {RIG_FILE} in its folder. For other videos name a list instead, such as jobs.csv: "
            "its first line is visible,infrared,out, and below comes one line for each recording, such as "
            "day.mp4,night.mp4,monday."
        )
    elif source.suffix.lower() == ".csv":
        says, remedy = "lists no job", f"Below a heading of {','.join(_Line.model_fields)} comes one line for each."
    else:
        says, remedy = "lists no job", "Write one JSON object a line."
    return Refused(source, wanted="one recording or more", got="none", remedy=remedy, says=says)


def _lines(source: Path) -> Iterator[Mapping[str, Any]]:
    try:
        text = read_file(source, "a list of jobs").decode("utf-8-sig")  # spreadsheets begin theirs with a mark
    except UnicodeDecodeError as error:
        says, remedy = f"is not UTF-8 text at byte {error.start}", "Save it as UTF-8."
        raise Refused(source, wanted="UTF-8 text", got="something else", remedy=remedy, says=says) from error
    if source.suffix.lower() == ".csv":
        yield from _rows(source, text)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            raise _no_line(source, number, "is not a JSON object")
        yield fields


def _rows(source: Path, text: str) -> Iterator[Mapping[str, Any]]:
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        heading = [name.strip() for name in next(rows, [])]
        if len(heading) == 1 and (mark := next((mark for mark in ";\t|" if mark in heading[0]), "")):
            says = f"has {mark!r} between its columns"
            raise Refused(source, wanted="commas", got=repr(mark), remedy="Save it with commas.", says=says)
        for name in filter(None, heading):
            if name not in _Line.model_fields:
                known = ", ".join(_Line.model_fields)
                says = f"has a column {redact(name)}, which is not known; known are {known}"
                remedy = f"{nearest(name, _Line.model_fields)}Correct the heading."
                raise Refused(source, wanted=known, got="another column", remedy=remedy, says=says)
        for row in filter(None, rows):
            if len(row) != len(heading):
                says = f"has {counted(len(row), 'value')} below a heading of {counted(len(heading), 'name')}"
                raise _no_line(source, rows.line_num, says)
            yield {name: value.strip() for name, value in zip(heading, row, strict=True) if value.strip()}
    except csv.Error as error:
        raise _no_line(source, rows.line_num, f"is no line of CSV: {error}") from error


def _no_line(source: Path, number: int, says: str) -> CoconetError:
    return Refused(f"{source}, line {number}", wanted="a job", got=says, remedy="Correct the line.", says=says)


def _job(fields: Mapping[str, Any], number: int, source: Path, model: str) -> Job:
    line = check_fields(_Line, fields, f"{source}, job {number}", from_text=True)
    if bool(line.rig) == bool(line.visible and line.infrared):
        wanted, got = "a rig, or both visible and infrared", "both" if line.rig else "neither"
        says = "names a rig and two sides" if line.rig else "names neither a rig nor both sides"
        remedy = f"Name {wanted}."
        raise Refused(f"{source}, job {number}", wanted=wanted, got=got, remedy=remedy, says=says)
    where = f"{source}, job {number}"
    for address in filter(None, (line.rig, line.visible, line.infrared)):
        if "://" in address and not is_elsewhere(address) and (line.rig or not names_camera(address)):
            raise unknown_storage(where, address)
    if say_reverse(line.visible, line.infrared):
        says = f"names them the wrong way round: visible is {line.visible}, infrared is {line.infrared}"
        remedy = "Swap them; or if they are right, name them in a rig file, and that file as rig."
        raise Refused(where, wanted="the sides as their names say", got="the reverse", remedy=remedy, says=says)
    told = PurePosixPath((line.rig or line.visible).rpartition("://")[2])
    name = line.out or str(told.parent if line.rig else told.with_suffix("")).lstrip("/.") or told.stem
    name = result_name(name, f"{where}, out")
    rig, visible, infrared = (_beside(source, address) for address in (line.rig, line.visible, line.infrared))
    return Job(name, line.model or model, rig, visible, infrared)


def _beside(source: Path, address: str) -> str:
    if not address or "://" in address or Path(address).is_absolute():
        return address
    return str(source.parent / address)


def in_slices(jobs: list[Job], slice_s: float) -> list[Job]:
    """Cut jobs that are longer than a slice and a half into slices; those of unknown length stay whole.

    The last slice ends with the recording. Raises CoconetError for a slice whose name is that of another result.
    """
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
            name = PurePosixPath(job.name, f"slice-{index:04}").as_posix()
            found.append(replace(job, name=name, span=Span(begin_s, end_s), seconds=seconds))
    check_names(found, "--slice")
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
