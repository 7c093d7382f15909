"""What every way to run a network on the processor does to its pictures, on real frames: within its limits, or not.

    python -m coconet.benchmarks.studies.processor.shortcuts --frames data/tno --frames data/dusk \
        --videos day.mp4,night.mp4 --most 9

`coconet run` picks among these ways by the first pair of a stream. Here each is held against the first of them, which
is ONNX Runtime in FP32 or PyTorch, by the limits of the model's precision, as `coconet verify` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from coconet.benchmarks.studies.precision import FrameSet
from coconet.cards.precision import REFERENCE, PrecisionName
from coconet.media.pixels import Pixels
from coconet.metrics.fusion import VERIFIED
from coconet.model_names import DEFAULT_MODEL
from coconet.progress.board import working
from coconet.runtime.backends.backend import Backend
from coconet.runtime.cameras.pair_folder import FolderFrames
from coconet.runtime.frame import FramePair
from coconet.runtime.frame_check import fit_pairs
from coconet.runtime.picking.candidate import Candidate, candidates_of
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.verify.parity import ModelPictures
from coconet.runtime.verify.verification import Verification, judge, limits_for, verification_of

HEADS = ("by", "frames", "PSNR, dB", "worst", "levels", *(metric.name for metric in VERIFIED), "within its limits")


def row(candidate: Candidate, precision: PrecisionName, frames: FrameSet, found: Verification) -> str:
    """A line of the table, in Markdown."""
    passed = judge(found, limits_for(precision)).passed
    parity, changes = found.parity, {delta.metric: delta.relative for delta in found.deltas}
    cells = [str(candidate), f"{frames.name} ({parity.frames})", f"{parity.psnr_db:.1f}", f"{parity.worst_psnr_db:.1f}"]
    cells += [str(parity.max_abs_error), *(f"{changes[metric.name]:+.2%}" for metric in VERIFIED)]
    return f"| {' | '.join([*cells, 'yes' if passed else 'no'])} |"


def rows_of(model: str, sets: Sequence[FrameSet]) -> Iterator[str]:
    """Hold every way to run a model against the first of them, on every set of frames."""
    reference, *others = ways_of(model)
    with closing(reference.open()) as first, working(f"comparing {model}", len(sets) * (1 + len(others))) as work:
        for frames in sets:
            pairs = list(fit_pairs(frames.pairs, first.card))
            wanted = [fused(first, pair) for pair in pairs]
            work.advance()
            for candidate in others:
                with closing(candidate.open()) as backend:
                    precision = REFERENCE if candidate.kind == "torch" else backend.card.precision
                    found = verification_of(
                        ModelPictures(pair, picture, fused(backend, pair))
                        for pair, picture in zip(pairs, wanted, strict=True)
                    )
                work.advance()
                yield row(candidate, precision, frames, found)


def ways_of(model: str) -> list[Candidate]:
    """Every way to run a model, the reference first: also the models in FP32 in BF16, which `auto` never takes."""
    ways = list[Candidate]()
    for one in candidates_of(model):
        narrow = Candidate(one.path, "openvino-bf16")
        ways += [one, narrow] if one.kind == "openvino" else [] if one == narrow else [one]
    return ways


def fused(backend: Backend, pair: FramePair) -> Pixels:
    """The picture of a pair."""
    return backend.fuse(pair.visible.pixels, pair.infrared.pixels)


def frame_sets(folders: Sequence[Path], videos: Sequence[str], most: int) -> list[FrameSet]:
    """At most N pairs of each folder and of each two videos, VISIBLE,INFRARED, spread over all of it."""
    sets = [FrameSet(folder.name, _spread(list(FolderFrames(folder)), most)) for folder in folders]
    for both in videos:
        visible, _, infrared = both.partition(",")
        with open_rig(Rig.from_addresses(visible, infrared)) as stream:
            step = max(1, (stream.frames_expected or most) // most)
            sets.append(FrameSet(Path(visible).stem, list(islice(stream, 0, step * most, step))))
    return sets


def _spread(pairs: list[FramePair], most: int) -> list[FramePair]:
    return pairs[:: max(1, -(-len(pairs) // most))]


def main(
    models: Annotated[list[str] | None, typer.Option("--models", help="Words or files; again for more.")] = None,
    frames: Annotated[list[Path] | None, typer.Option("--frames", help="A paired folder; again for more.")] = None,
    videos: Annotated[list[str] | None, typer.Option("--videos", help="VISIBLE,INFRARED; again for more.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="How many pairs of each.")] = 9,
) -> None:
    """Compare, and print a Markdown table, line by line."""
    sets = frame_sets(frames or (), videos or (), most)
    typer.echo(f"| {' | '.join(HEADS)} |\n|{' --- |' * len(HEADS)}")
    for model in models or (DEFAULT_MODEL,):
        for line in rows_of(model, sets):
            typer.echo(line)


if __name__ == "__main__":
    typer.run(main)
