"""Jobs whose recording is not finished: one that is being written waits, and what a power cut has left is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from coconet.errors import Refused
from coconet.files import UNFINISHED
from coconet.runtime.fleet.job import Job
from coconet.writing.held import is_held


@dataclass(frozen=True)
class FinishedJobs:
    """jobs: those to be made, with a note where a recording was left unfinished. notes: of what is left out."""

    jobs: list[Job]
    notes: list[str]


def without_open(jobs: Iterable[Job]) -> FinishedJobs:
    """Leave out jobs that read what another process is writing at this moment; what nobody writes any more stays.

    What is being written is told by its name, NAME.unfinished, and by the lock of the process that writes it.
    Raises Refused if nothing is left.
    """
    kept, notes = list[Job](), list[str]()
    for job in jobs:
        left = list(dict.fromkeys(_unfinished_of(job)))
        if any(map(is_held, left)):
            notes.append(f"{job.name}: is still being written, so it is left out; the same command later takes it.")
            continue
        note = ""
        if left:
            whole = left[0].name.removesuffix(UNFINISHED)
            note = (
                "was left unfinished, by a power cut or a kill, and is fused up to where it breaks off; "
                f"to keep it, rename {left[0]} to {whole or 'a name of its own'}."
            )
        kept.append(replace(job, note=note))
    if notes and not kept:
        raise Refused(
            "the recordings",
            wanted="one that is finished",
            got="none",
            remedy="Wait for their end.",
            says="are all still being written",
        )
    return FinishedJobs(kept, notes)


def _unfinished_of(job: Job) -> Iterator[Path]:
    """The unfinished files and folders that a job reads or reads from."""
    for address in (job.rig, job.visible, job.infrared):
        if address and "://" not in address:
            path = Path(address)
            yield from (one for one in (path, *path.parents) if one.name.endswith(UNFINISHED) and one.exists())
