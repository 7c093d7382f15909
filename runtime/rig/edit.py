"""The text of rig files: values exchanged and the rest left as it is, and the rig file of a recording."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coconet.config import check_fields, toml_fields
from coconet.errors import CoconetError, MissingPackage
from coconet.files import read_file, whole_file
from coconet.runtime.rig.hidden import take_out
from coconet.runtime.rig.rig_file import Rig

try:
    import tomlkit
    import tomlkit.exceptions
except ImportError as error:
    raise MissingPackage("tomlkit", job="writing rig files") from error


_OF_CAMERAS = ("address", "fps", "size_px", "layout")  # what names a camera, and means nothing to a recording of it

Values = Mapping[str, Mapping[str, Any]]
"""Tables, keys and values, as in a rig file."""

Lists = Mapping[str, Sequence[Mapping[str, Any]]]
"""Lists of tables, such as [[meter]], each of them whole."""


def save_values(rig_file: Path, values: Values, lists: Lists | None = None) -> None:
    """Write values into a rig file; its other lines and its comments stay.

    lists: written in place of those that the file has.

    Raises CoconetError if there is no such file, and if it would be no rig's with them; then it stays as it is.
    """
    text = with_values(read_file(rig_file, "a rig file").decode("utf-8-sig"), values, lists)
    check_fields(Rig, toml_fields(text, rig_file), rig_file)
    with whole_file(rig_file) as scratch:
        scratch.write_text(text, encoding="utf-8")


def with_values(text: str, values: Values, lists: Lists | None = None) -> str:
    """Return a TOML text that holds these values; all other lines, comments too, stay as they are."""
    try:
        document = tomlkit.parse(text)
        for name, fields in values.items():
            table = document.setdefault(name, tomlkit.table())
            for key, value in fields.items():
                table[key] = value
        for name, entries in (lists or {}).items():
            document.pop(name, None)
            if entries:
                document.add(name, tomlkit.item([dict(entry) for entry in entries]))
        return tomlkit.dumps(document)
    except (tomlkit.exceptions.TOMLKitError, RecursionError, TypeError):  # their words quote keys, and so does KeyError
        raise CoconetError(
            "rig file",
            wanted="TOML with a [table] for each part of the rig",
            got="something that cannot be changed in place",
            remedy="Write the settings into the file by hand.",
            says="cannot be changed in place: a part of the rig is not a [table]",
        ) from None


@dataclass(frozen=True)
class NewRig:
    """A rig file to be made of a rig, with a comment beside a table if there is something to say about it.

    secrets: what was taken out of the addresses, by the names that stand for it in the text.
    """

    text: str
    secrets: Mapping[str, str]

    @classmethod
    def of(cls, rig: Rig, folder: Path, told: Mapping[str, str] | None = None) -> NewRig:
        """Lay out what differs from the defaults. folder: where the file will be, which paths are relative to."""
        fields = rig.model_dump(mode="json", exclude_defaults=True)
        sides = {side: take_out(fields[side]["address"]) for side in ("visible", "infrared")}
        if all(side.secrets for side in sides.values()) and sides["visible"].secrets != sides["infrared"].secrets:
            names = {side: f"COCONET_{side.upper()}_PASSWORD" for side in sides}
            sides = {side: take_out(fields[side]["address"], names[side]) for side in sides}
        if told and "alignment" in told:
            fields.setdefault("alignment", {"fit": rig.alignment.fit})
        document = tomlkit.document()
        for name in ("visible", "infrared", *(key for key in fields if key not in sides)):
            table = fields[name]
            if name in sides:
                table = {**table, "address": _relative(sides[name].address, folder)}
            if not isinstance(table, Mapping):
                continue
            added = tomlkit.table()
            added.update(table)
            if told and name in told:
                added.comment(told[name])
            document.add(name, added)
            document.add(tomlkit.nl())
        secrets = {**sides["visible"].secrets, **sides["infrared"].secrets}
        return cls(tomlkit.dumps(document).rstrip() + "\n", secrets)

    def write(self, rig_file: Path) -> None:
        """Write the file, whole or not at all. Raises CoconetError if it cannot be written."""
        with whole_file(rig_file) as scratch:
            scratch.write_text(self.text, encoding="utf-8")


def _relative(address: str, folder: Path) -> str:
    if "://" in address or Path(address).is_absolute():
        return address
    return os.path.relpath(address, folder)


def write_replay_rig(fields: Mapping[str, Any]) -> str:
    """Write the rig file of a recording, from the fields of the rig that was recorded, with its meters.

    Its alarms are left out: a replay must tell nobody.
    """
    kept = {name: value for name, value in fields.items() if name != "alarms"}
    tables: dict[str, Any] = {name: value for name, value in kept.items() if isinstance(value, Mapping)}
    if fields.get("meter"):
        tables["meter"] = fields["meter"]
    for side in ("visible", "infrared"):
        kept = {key: value for key, value in tables[side].items() if key not in _OF_CAMERAS}
        tables[side] = {"address": f"{side}.mkv", **kept}
    if "pairing" in tables:  # recordings are paired by time
        tables["pairing"] = {key: value for key, value in tables["pairing"].items() if key != "pair_by"}
    return tomlkit.dumps(tables)
