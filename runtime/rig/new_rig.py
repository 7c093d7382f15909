"""A new rig: from addresses to a rig with the alignment or the fit that suits what both cameras show."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from coconet.errors import CoconetError, Refused
from coconet.media.naming.bag_names import is_bag
from coconet.reading import Reading
from coconet.runtime.cameras.open_camera import ROLES, Role
from coconet.runtime.preprocess.fit import Placement
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.rig.camera_facts import CameraFacts, probe_camera
from coconet.runtime.rig.edit import NewRig
from coconet.runtime.rig.naming.named_cameras import NamedCameras
from coconet.runtime.rig.naming.one_source import check_two_sources
from coconet.runtime.rig.open_rig import open_rig, open_side, rig_lenses
from coconet.runtime.rig.rig_file import AlignmentTable, Rig, read_by
from coconet.runtime.rig.secrets import write_secret


@dataclass(frozen=True)
class FoundRig:
    """A rig, and what was found out, in words, by the table of the rig file that it belongs to."""

    rig: Rig
    told: dict[str, str]


def both_sides(words: Sequence[str], visible: str | None, infrared: str | None, reading: Reading) -> Rig:
    """The rig of two addresses, or of one that stands for both: a folder, or the visible channel of a network camera.

    Raises Refused for one address that stands for neither, for one source that is named for both sides, and for what
    has a rig file already.
    """
    named = NamedCameras.of(words, visible, infrared)
    if named.file is None:
        rig = read_by(named.rig(), reading)
        check_two_sources(rig)
        return rig
    if not is_bag(named.file):
        raise Refused(
            words[0],
            wanted="cameras, or a folder of pictures of both sides",
            got=f"a rig file, {named.file.name}",
            remedy=f"Run it: coconet run {shlex.quote(str(named.file))}",
            says=f"already is a rig: it has {named.file.name}",
        )
    from coconet.runtime.ros.bag_sides import two_sides

    return read_by(Rig.chosen(None, *two_sides(named.file)), reading)


def look_at_rig(rig: Rig, *, align: bool = True, step: Callable[[str], object] = lambda doing: None) -> FoundRig:
    """Look at both cameras, one after the other, and find how their pictures fit; align: look for the alignment too.

    step: is called with what is done next, in words.
    Raises CoconetError for a camera that cannot be opened, and for one that gives no frame.
    """
    looks = dict[Role, CameraFacts]()
    for role in ROLES:
        step(f"looking at the {role} camera")
        looks[role] = _seen(rig, role)
    told: dict[str, str] = {role: str(look) for role, look in looks.items()}
    fit = _fit_in_words(looks["visible"], looks["infrared"])
    if not align:
        return FoundRig(rig, {**told, "alignment": fit} if fit else told)
    try:
        step("finding how the infrared picture lies on the visible one")
        alignment, words = _aligned(rig)
    except CoconetError as error:
        taken = fit or "pictures of equal size are taken as they lie."
        told["alignment"] = f"{taken} No alignment was found: {error.got}"
        if any(rig_lenses(rig)):
            told["alignment"] += (
                " camera_info of the bag is left out, as it counts with an alignment only: coconet align."
            )
        return FoundRig(rig, told)
    return FoundRig(rig.model_copy(update={"alignment": alignment}), {**told, "alignment": words})


def with_password_file(new: NewRig, path: Path) -> NewRig:
    """Keep the one secret of a new rig in a file instead. Raises Refused if there is none, or more than one."""
    if len(new.secrets) != 1:
        raise Refused(
            "--password-file",
            wanted="addresses with one password",
            got=f"{len(new.secrets)} of them",
            remedy="Leave it out: passwords are then environment variables.",
            says=f"takes one password, and these addresses have {len(new.secrets)}",
        )
    ((name, value),) = new.secrets.items()
    write_secret(path, value)
    return NewRig(new.text.replace(f"${{{name}}}", f"${{file:{path.absolute()}}}"), {})


def _seen(rig: Rig, role: Role) -> CameraFacts:
    look = probe_camera(partial(open_side, rig, role))
    if look is None:
        table = rig.visible if role == "visible" else rig.infrared
        raise CoconetError(
            table.display_name, wanted="frames", got="none", remedy="Check the address.", says="gives no frames"
        )
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
