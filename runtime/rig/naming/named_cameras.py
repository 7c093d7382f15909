"""Cameras as a command names them: a rig file, one address that stands for both sides, or two addresses."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from coconet.errors import CoconetError, Refused, nearest, nearest_path, reading_from
from coconet.media.naming.bag_names import split_bag, topic_side
from coconet.media.naming.layouts import INFRARED_NAMES, VISIBLE_NAMES
from coconet.media.naming.picture_names import is_picture
from coconet.model_names import MODEL_WORDS
from coconet.redaction import is_network_address
from coconet.runtime.cameras.device.numbered import device_of
from coconet.runtime.cameras.open_camera import is_folder
from coconet.runtime.rig.rig_file import Rig

_PIPES = ("/dev/fd/", "/dev/stdin")
"""Among the devices, what a shell calls the text that another program writes."""


@dataclass(frozen=True)
class NamedCameras:
    """file: a rig file or a bag; without one, both addresses."""

    file: Path | None
    visible: str | None
    infrared: str | None

    @classmethod
    def of(cls, words: Sequence[str], visible: str | None, infrared: str | None) -> NamedCameras:
        """Sort what stands before the options of a command, and its --visible and --infrared.

        Raises Refused for words that name neither a rig nor both cameras.
        """
        if not words:
            return cls(None, visible, infrared)
        if not all(word.strip() for word in words):  # Path("") would be the working folder
            remedy = "If a shell variable was to give it, check that it is set."
            raise _unclear("an empty name", remedy, "include an empty name")
        if visible is not None or infrared is not None:
            option = "--infrared" if visible is None else "--visible"
            raise _unclear(
                f"{' '.join(words)} and {option}",
                "Leave the options out, or give both and nothing before them.",
                f"are named both before the options ({' '.join(words)}) and by {option}",
            )
        if len(words) == 1:
            return cls._of_one(words[0])
        if len(words) > 2:
            listed = f"{len(words)} of them: {', '.join(words)}"
            says = f"must be two at most, not {listed}"
            model = next(filter(None, (nearest(word, MODEL_WORDS) for word in words)), "")
            raise _unclear(listed, f"{model}Name the visible one, then the infrared one.", says)
        for word in words:
            if word.lower().endswith(".toml"):
                remedy = "Leave the other word out, or name the two cameras instead."
                says = f"are already named by the rig file {word}, and another word was given"
                raise _unclear(f"{word} and another word", remedy, says)
        if say_reverse(words[0], words[1]):
            as_meant = shlex.join(["--visible", words[0], "--infrared", words[1]])
            raise Refused(
                " ".join(words),
                wanted="the visible camera first, then the infrared one",
                got="names that say the reverse",
                remedy=f"Swap them; or if they are right: {as_meant}",
                says="are named the wrong way round: the visible camera comes first, then the infrared one",
            )
        return cls(None, words[0], words[1])

    @classmethod
    def _of_one(cls, word: str) -> NamedCameras:
        from coconet.runtime.rig.naming.dual_channel import thermal_channel
        from coconet.runtime.rig.sample_frames import rig_file_at

        bag = split_bag(word)
        if bag is not None and not bag.topic:
            return cls(Path(word), None, None)
        if bag is None and is_folder(word):
            if rig_file := rig_file_at(Path(word)):
                return cls(rig_file, None, None)
            return cls(None, *_folders(Path(word)))
        if is_network_address(word):
            return cls(None, word, thermal_channel(word))
        if bag is None and _is_missing(word):
            raise Refused(
                word,
                wanted="a rig file, or a folder with both sides; or two cameras",
                got="no such file or folder",
                remedy=f"{nearest_path(Path(word))}Check the path.",
                says="does not exist; expected a rig file, or a folder with both sides",
            )
        if bag is None and _is_rig_file(word):
            return cls(Path(word), None, None)
        remedy = f"Name the infrared one after it: {shlex.quote(word)} INFRARED"
        raise _unclear(f"one camera, {word}", remedy, f"must be two, and only {word} is named")

    def rig(self) -> Rig:
        """The rig. Raises CoconetError for one that cannot be read, and for half of one."""
        return Rig.chosen(self.file, self.visible, self.infrared)


def say_reverse(visible: str, infrared: str) -> bool:
    """Whether the names of both addresses say that each is the other side."""
    return _says(visible) == "infrared" and _says(infrared) == "visible"


def _unclear(got: str, remedy: str, says: str) -> CoconetError:
    wanted = "a rig file, a folder with both sides, or the visible and the infrared camera"
    return Refused("cameras", wanted=wanted, got=got, remedy=remedy, says=says)


def _is_missing(word: str) -> bool:
    """Whether a word is a path at which nothing is; devices may come later, and addresses are no paths."""
    if "://" in word or word.startswith(("/dev/", *_PIPES)) or device_of(word) != word:
        return False
    with reading_from(Path(word), "a rig file"):
        return not Path(word).exists()


def _is_rig_file(word: str) -> bool:
    """Whether one word that is no folder is to be read as a rig file: by its ending, or as a text of any other name."""
    path = Path(word)
    if path.suffix.lower() == ".toml" or word.startswith(_PIPES):
        return True
    if device_of(word) != word or word.startswith("/dev/") or is_picture(path):
        return False
    with reading_from(path, "a rig file"):
        if not path.is_file():
            return path.exists() or not path.suffix
        with path.open("rb") as file:
            return b"\0" not in file.read(4096)


def _folders(folder: Path) -> tuple[str, str]:
    """The two sub-folders of a folder that say their side, or twice the folder, in which pairs are found by name."""
    from coconet.media.naming.picture_folder import pictures_below
    from coconet.media.pairs import homes_of_both

    homes = homes_of_both(folder)
    if not homes:
        pictures_below(folder)
    return (str(homes[0][0]), str(homes[0][1])) if len(homes) == 1 else (str(folder), str(folder))


def _says(address: str) -> str:
    """The side that the last name of an address says, or its topic; empty if it says none, or of a file both."""
    if (bag := split_bag(address)) is not None and bag.topic:
        return topic_side(bag.topic)
    words = set(re.findall(r"[a-z]+", Path(address).name.lower()))
    sides = (("infrared", INFRARED_NAMES), ("visible", VISIBLE_NAMES))
    said = [side for side, names in sides if words & {*names}]
    return said[0] if len(said) == 1 else ""
