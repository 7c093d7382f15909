"""A new rig: from addresses to a rig with the alignment or the fit that suits what both cameras show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from coconet.errors import CoconetError, Refused
from coconet.media.naming.bag_names import split_bag
from coconet.media.pairs import homes_of_both
from coconet.reading import Reading
from coconet.redaction import is_network_address
from coconet.runtime.cameras.open_camera import ROLES, Role, is_folder
from coconet.runtime.preprocess.fit import Placement
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.rig.camera_facts import CameraFacts, probe_camera
from coconet.runtime.rig.dual_channel import thermal_channel
from coconet.runtime.rig.edit import NewRig
from coconet.runtime.rig.open_rig import open_rig, open_side, rig_lenses
from coconet.runtime.rig.rig_file import AlignmentTable, Rig, read_by
from coconet.runtime.rig.sample_frames import rig_file_at
from coconet.runtime.rig.secrets import write_secret


@dataclass(frozen=True)
class FoundRig:
    """A rig, and what was found out, in words, by the table of the rig file that it belongs to."""

    rig: Rig
    told: dict[str, str]


def both_sides(source: str | None, visible: str | None, infrared: str | None, reading: Reading) -> Rig:
    """The rig of two addresses, or of one that stands for both: a folder, or the visible channel of a network camera.

    Raises Refused for one address that stands for neither.
    """
    if source is not None and visible is None and infrared is None:
        visible, infrared = _of_one(source)
    elif source is not None:
        raise Refused("cameras", wanted="one address, or --visible and --infrared", got="both", remedy="Leave one out.")
    return read_by(Rig.chosen(None, visible, infrared), reading)


def _of_one(source: str) -> tuple[str, str]:
    """The two sides of a folder, or the two channels of a network camera."""
    if split_bag(source) is not None:
        from coconet.runtime.ros.bag_sides import two_sides

        return two_sides(Path(source))
    if is_folder(source):
        if rig_file := rig_file_at(Path(source)):
            raise Refused(
                source,
                wanted="a folder of pictures of both sides",
                got=f"a recording, which has its {rig_file.name}",
                remedy=f"Run it: coconet run {rig_file}",
            )
        return _folders(Path(source))
    if not is_network_address(source):
        raise Refused(
            source,
            wanted="a folder with both sides, or the visible channel of a network camera that has two",
            got="one camera or file",
            remedy="Name both: coconet init --visible A --infrared B",
        )
    return source, thermal_channel(source)


def _folders(folder: Path) -> tuple[str, str]:
    """The two sub-folders of a folder that say their side, or twice the folder, in which pairs are found by name."""
    homes = homes_of_both(folder)
    return (str(homes[0][0]), str(homes[0][1])) if len(homes) == 1 else (str(folder), str(folder))


def look_at_rig(rig: Rig, *, align: bool = True) -> FoundRig:
    """Look at both cameras, one after the other, and find how their pictures fit; align: look for the alignment too.

    Raises CoconetError for a camera that cannot be opened, and for one that gives no frame.
    """
    looks = {role: _seen(rig, role) for role in ROLES}
    told: dict[str, str] = {role: str(look) for role, look in looks.items()}
    fit = _fit_in_words(looks["visible"], looks["infrared"])
    if not align:
        return FoundRig(rig, {**told, "alignment": fit} if fit else told)
    try:
        alignment, words = _aligned(rig)
    except CoconetError as error:
        taken = fit or "pictures of equal size are taken as they lie."
        told["alignment"] = f"{taken} No alignment was found: {error.got}"
        return FoundRig(rig, told)
    return FoundRig(rig.model_copy(update={"alignment": alignment}), {**told, "alignment": words})


def with_password_file(new: NewRig, path: Path) -> NewRig:
    """Keep the one secret of a new rig in a file instead. Raises Refused where there is none, or more than one."""
    if len(new.secrets) != 1:
        raise Refused(
            "--password-file",
            wanted="addresses with one password",
            got=f"{len(new.secrets)} of them",
            remedy="Leave it out: passwords are then environment variables.",
        )
    ((name, value),) = new.secrets.items()
    write_secret(path, value)
    return NewRig(new.text.replace(f"${{{name}}}", f"${{file:{path.absolute()}}}"), {})


def _seen(rig: Rig, role: Role) -> CameraFacts:
    look = probe_camera(partial(open_side, rig, role))
    if look is None:
        table = rig.visible if role == "visible" else rig.infrared
        raise CoconetError(table.shown, wanted="frames", got="none", remedy="Check the address.")
    return look


def _aligned(rig: Rig) -> tuple[AlignmentTable, str]:
    from coconet.runtime.registration.edges import EdgeRegistrar
    from coconet.runtime.registration.pair_sampling import PairSampling, alignment_of

    with open_rig(rig, align=False) as stream:
        found = alignment_of(EdgeRegistrar(), PairSampling().of(stream), *rig_lenses(rig))
    geometry = found.alignment
    table = AlignmentTable(
        homography=geometry.homography,
        size_px=geometry.size_px,
        infrared_size_px=geometry.infrared_size_px,
        infrared_lens=geometry.infrared_lens,
        visible_lens=geometry.visible_lens,
    )
    return table, f"found by {found.method}: {found.summary}"


def _fit_in_words(visible: CameraFacts, infrared: CameraFacts) -> str:
    """How the infrared picture would be laid on the visible one; empty for equal sizes."""
    return Placement(Alignment()).described(infrared.size_px, visible.size_px)
