"""A rig that is tuned while it runs: contrast, offsets, alignment and heat change at once, and are saved on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from coconet.config import check_fields
from coconet.errors import CoconetError, nearest
from coconet.runtime.cameras.open_camera import is_folder
from coconet.runtime.look import Look, OutputLook
from coconet.runtime.pairing.pair_stream import PairStream
from coconet.runtime.rig.open_rig import CameraOpener, aligned_first, open_rig, thermal_stretch
from coconet.runtime.rig.rig_file import Rig

TUNABLE: dict[str, tuple[str, ...]] = {
    "visible": ("offset_ms",),
    "infrared": (
        *("offset_ms", "black_hot", "agc_percentiles", "agc_time_constant_s", "contrast", "plateau_percent"),
        "range_of",
    ),
    "alignment": ("homography", "plane"),
    "fusion": ("heat",),
    "view": tuple(Look.model_fields),
    "output": tuple(OutputLook.model_fields),
}
"""Tables and keys of a rig file that can be changed while it runs; not the palette, with which a camera is opened."""

_MS_NS = 10**6

Changes = Mapping[str, Mapping[str, Any]]
"""Tables, keys and values, as in a rig file."""


class AdjustableRig:
    """Holds a rig, opens it, and changes it; any thread may ask.

    rig: as it is now. file: the rig file it came from, None if it came from two addresses.
    gives_misfits, opener: as open_rig takes them.
    """

    def __init__(
        self,
        rig: Rig,
        file: Path | None = None,
        *,
        gives_misfits: bool = False,
        opener: CameraOpener | None = None,
    ) -> None:
        self.rig, self.file, self._gives_misfits, self._opener = rig, file, gives_misfits, opener
        self._lock = Lock()
        self._stream: PairStream | None = None
        self._changed: dict[str, dict[str, Any]] = {}
        self._changed_meters = False

    def open(self) -> PairStream:
        """Open the rig as it is now, as `open_rig` does; what is changed meanwhile holds from the first pair on."""
        asked = self.rig
        aligned = aligned_first(asked, self._opener)
        with self._lock:
            if self.rig.alignment == asked.alignment:
                self.rig = self.rig.model_copy(update={"alignment": aligned.alignment})
            opened = self.rig
        stream = open_rig(opened, opener=self._opener, patient=True, gives_misfits=self._gives_misfits)
        with self._lock:
            self._stream = stream
            self._apply(opened)
        return stream

    def settings(self) -> dict[str, dict[str, Any]]:
        """What can be changed, as it is now."""
        fields = self.rig.model_dump(mode="json")
        stills = is_folder(self.rig.infrared.address) and self.rig.infrared.fps is None
        fields["infrared"]["range_of"] = self.rig.infrared.range_of or ("each" if stills else "follow")
        return {table: {key: fields[table][key] for key in keys} for table, keys in TUNABLE.items()}

    def change(self, changes: Changes) -> None:
        """Change what is given, all of it or, where something does not fit, nothing; that is a CoconetError."""
        with self._lock:
            before, fields = self.rig, self.rig.model_dump()
            for table, values in changes.items():
                _check_tunable(table, values)
                _check_range(values.get("range_of"))
                fields[table].update(values)
            self.rig = check_fields(Rig, fields, "settings")
            self._apply(before)
            for table, values in changes.items():
                self._changed.setdefault(table, {}).update(values)

    def change_meters(self, meters: Sequence[Mapping[str, Any]]) -> None:
        """Read other meters from the next frame on, as `[[meter]]` has them; what does not fit is a CoconetError."""
        with self._lock:
            before, fields = self.rig, self.rig.model_dump(exclude={"meter"})
            self.rig = check_fields(Rig, {**fields, "meter": list(meters)}, "meters")
            self._apply(before)
            self._changed_meters = True

    def save(self) -> Path:
        """Write what was changed into the rig file; its other lines and its comments stay. Gives the file.

        Raises CoconetError if there is no rig file, and if it cannot be written.
        """
        if self.file is None:
            raise CoconetError(
                "settings",
                wanted="a rig file to save them in",
                got="two addresses",
                remedy="They hold until the run ends; a run that is started from a rig file can keep them.",
                says="cannot be saved: this run was started from two addresses, not from a rig file",
            )
        from coconet.runtime.rig.edit import save_values

        with self._lock:
            now = self.rig.model_dump(mode="json", exclude_none=True)  # TOML has no word for none
            meters = [one.model_dump(mode="json", exclude_defaults=True) for one in self.rig.meter]
            save_values(
                self.file,
                {table: {key: now[table].get(key) for key in keys} for table, keys in self._changed.items()},
                {"meter": meters} if self._changed_meters else {},
            )
            self._changed.clear()
            self._changed_meters = False
        return self.file

    def _apply(self, before: Rig) -> None:
        """Let the stream, once there is one, go on as the rig is now; before: as the stream knows it."""
        if self._stream is None or self._stream.preparation is None:
            return
        rig, preparation = self.rig, self._stream.preparation
        self._stream.set_offset("visible", round(rig.visible.offset_ms * _MS_NS))
        self._stream.set_offset("infrared", round(rig.infrared.offset_ms * _MS_NS))
        # A new stretch has to find its limits again, so an offset alone makes none.
        stretched = rig.infrared.model_copy(update={"offset_ms": before.infrared.offset_ms}) != before.infrared
        preparation.change(
            thermal=thermal_stretch(rig, gives_misfits=self._gives_misfits) if stretched else None,
            alignment=rig.alignment.alignment() if rig.alignment != before.alignment else None,
            heat_percent=rig.fusion.heat,
        )
        if preparation.meters is not None and rig.meter != before.meter:
            preparation.meters.change(rig.meter)


def _check_range(range_of: object) -> None:
    if range_of == "all":
        raise CoconetError(
            "settings, infrared.range_of",
            wanted="each, follow, or LOW..HIGH",
            got="all, for which the infrared has to be read to its end first",
            remedy='Start the run again with range_of = "all" in the rig file.',
            says="cannot be changed to all while the rig runs: that reads the infrared to its end first",
        )


def _check_tunable(table: str, values: object) -> None:
    known = TUNABLE.get(table, ())
    keys = list(values) if isinstance(values, Mapping) else [""]
    odd = [key for key in keys if key not in known]
    if odd or not known:
        odd_key = ".".join([table[:40], *(str(key)[:40] for key in (odd or keys)[:1] if key)])
        tunable = [f"{name}.{key}" for name, keys in TUNABLE.items() for key in keys]
        raise CoconetError(
            "settings",
            wanted=", ".join(tunable),
            got=odd_key,
            remedy=nearest(odd_key, tunable).strip() or "Change the rest in the rig file, and start again.",
            says=f"cannot change {odd_key} while the rig runs, only {', '.join(tunable)}",
        )
