"""Rigs from Python: two cameras or recordings as pairs to iterate over."""

from __future__ import annotations

from pathlib import Path

from coconet.errors import ExitCode, ending_with
from coconet.runtime.arguments import check_type
from coconet.runtime.pairing.pair_stream import PairStream
from coconet.runtime.rig.open_rig import open_rig as open_stream
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.threads.process_end import finished_before_the_end


def open_rig(file: Path | str, *, align: bool = True, patient: bool = False) -> PairStream:
    """Open the two cameras, or recordings, of a rig file, as pairs to iterate over inside a `with` block.

    align, patient, the pairs and the errors: as open_pairs says; a file that is no rig file is a CoconetError too.
    """
    return open_pairs(Rig.from_file(file), align=align, patient=patient)


def open_pairs(rig: Rig, *, align: bool = True, patient: bool = False) -> PairStream:
    """Open the two cameras, or recordings, of a Rig, which Rig.from_addresses makes of two addresses.

    align: lay the infrared pictures on the visible ones, as the rig says. patient: a live camera that does not answer,
    beside one that does, begins as lost and is opened again and again; otherwise it is an error.
    A pair's pictures are uint8: pair.visible.pixels is (H, W, 3) BGR or (H, W, 1) gray, pair.infrared.pixels (H, W, 1),
    aligned ones of equal size. Of recordings every pair comes, in order; of live cameras the newest. A live camera that
    is not there is named in pair.missing, with black pixels in its place.
    Raises CoconetError for an address that cannot be read, here and while the pairs are read.
    """
    check_type("rig", rig, Rig, "a coconet.Rig", "Open a rig file with coconet.open_rig.")
    with finished_before_the_end(), ending_with(ExitCode.CAMERA):
        return open_stream(rig, align=align, patient=patient)
