"""The rig file: which two cameras, how they are paired, and how the thermal picture lies on the visible one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import Field, model_validator

from coconet.config import Checked, check_fields, read_toml, toml_fields
from coconet.errors import CoconetError, Refused, nearest
from coconet.media.decoding.decoder import DecoderName
from coconet.media.naming.bag_names import is_bag
from coconet.media.palettes.palette import SHOWN
from coconet.media.thermal_settings import Contrast, ThermalSettings
from coconet.reading import Reading, Starts
from coconet.redaction import redact, redact_text
from coconet.runtime.alarms.alarm import MOST_ALARMS, AlarmsTable, AlarmTable
from coconet.runtime.arguments import check_path
from coconet.runtime.balance import FusionTable
from coconet.runtime.cameras.device.numbered import device_of
from coconet.runtime.cameras.device.pixel_layouts import ByteOrder, FrameLayout, Samples, frame_layout
from coconet.runtime.cameras.open_camera import is_decoded
from coconet.runtime.heat.meter import MOST_METERS, MeterTable
from coconet.runtime.heat.temperature import TemperatureTable
from coconet.runtime.look import PALETTE_NAME, Look, OutputLook, looked_by
from coconet.runtime.pairing.camera_health import HealthLimits
from coconet.runtime.pairing.paired_captures import Policy
from coconet.runtime.preprocess.fit_word import Fit
from coconet.runtime.preprocess.warp import IDENTITY, Alignment, Lens, Matrix, Plane
from coconet.runtime.rig.secrets import beside, secret_files

if TYPE_CHECKING:
    from typing_extensions import Self

Side = Annotated[int, Field(gt=0, le=65_536)]

Rate = Annotated[float, Field(ge=0.001, le=10_000)]
"""Frames per second: from one in a quarter of an hour to what a high-speed camera gives."""

Milliseconds = Annotated[float, Field(ge=-3_600_000, le=3_600_000)]
"""At most an hour: clocks that are further apart are set wrong."""

PaletteName = Annotated[str, Field(pattern=PALETTE_NAME)]

MOST_PALETTES = 32

Table = TypeVar("Table", bound="CameraTable")


class LayoutTable(Checked):
    """`[infrared.layout]`: where the picture is in what a device sends; FrameLayout says what the keys are."""

    fourcc: str
    width: Side
    height: Side
    first_row: int = 0
    rows: int | None = None
    samples: Samples = "u16"
    byte_order: ByteOrder = "little"
    scale: float = 1.0


class CameraTable(Checked):
    """`[visible]`: one camera.

    address: what open_camera takes; ${NAME} and ${file:PATH} in it are secrets, as runtime/rig/secrets.py says.
    name: for messages, the address if not given. fps: for folders and devices. size_px, layout: for devices; decoder:
    for network cameras and videos; CameraSettings says what they are.
    offset_ms: added to the camera's stamps, where one camera stamps later than the other.
    """

    address: str
    name: str | None = None
    fps: Rate | None = None
    size_px: tuple[Side, Side] | None = None
    layout: LayoutTable | str | None = None
    decoder: DecoderName = "auto"
    offset_ms: Milliseconds = 0.0

    @model_validator(mode="after")
    def _known_layout(self) -> Self:
        self.frame_layout()
        return self

    def frame_layout(self) -> FrameLayout | None:
        """How the device lays out its bytes, by a name or as described; None if nothing is said."""
        if isinstance(self.layout, str):
            return frame_layout(self.layout)
        return None if self.layout is None else FrameLayout(**self.layout.model_dump())

    @property
    def is_decoded(self) -> bool:
        """Whether the address names what a decoder can be chosen for: a network camera, or a video."""
        return is_decoded(self.address)

    @property
    def display_name(self) -> str:
        """What to call the camera in messages: its name or its address, without secrets."""
        return redact_text(self.name) if self.name else redact(self.address)


class InfraredTable(CameraTable):
    """`[infrared]`: a camera with a thermal front end. agc_percentiles: black and white point of 16 bit pictures.

    temperature: how the counts become degrees. The other keys are those of ThermalSettings.
    """

    black_hot: bool = False
    agc_percentiles: tuple[float, float] = (0.5, 99.5)
    agc_time_constant_s: float = 0.5
    contrast: Contrast = "linear"
    plateau_percent: float = 1.0
    mend_dead_pixels: bool = False
    range_of: str | None = None
    no_data: tuple[float, ...] = ()
    palette: str = "auto"
    temperature: TemperatureTable | None = None

    @model_validator(mode="after")
    def _checked(self) -> InfraredTable:
        self.thermal_settings()
        return self

    def thermal_settings(self) -> ThermalSettings:
        """Return the settings of the thermal front end this table says."""
        return ThermalSettings.from_keys(dict(self))


class PairingTable(Checked):
    """`[pairing]`: tolerance_ms is the largest gap in a pair, half the slower camera's period if not given.

    policy: drop, hold or thermal; runtime/pairing/paired_captures.py says what they are. starts: how two video files
    begin, auto, together or stamped, as coconet/reading.py says. pair_by: for two folders of
    pictures, or one that holds both sides, how their names belong together, as pair_by_name takes it.
    """

    tolerance_ms: Annotated[Milliseconds, Field(ge=0)] | None = None
    policy: Policy = "drop"
    starts: Starts = "auto"
    pair_by: str | None = None


class HealthTable(Checked):
    """`[health]`: when a camera is no longer live, in seconds and in periods of it; HealthLimits says more."""

    late_periods: float = 2.5
    late_s: float = 0.2
    lost_s: float = 1.5
    frozen_s: float = 1.0
    shutter_s: float = 3.0

    @model_validator(mode="after")
    def _checked(self) -> HealthTable:
        self.limits()
        return self

    def limits(self) -> HealthLimits:
        """Return the limits this table says."""
        return HealthLimits(**self.model_dump())


class AlignmentTable(Checked):
    """`[alignment]`: homography from infrared to visible pixels, and the (width, height) of the visible picture.

    infrared_size_px: of the infrared picture it was found for. fit: how pictures of unlike size are laid onto each
    other while there is no homography, as runtime/preprocess/fit.py says.
    infrared_lens, visible_lens, plane: as Lens and Plane of runtime/preprocess/warp.py. drift_alarm_px: how far apart
    the edges of the two pictures may come to lie before the alignment counts as off; None looks at nothing.
    """

    homography: Matrix = IDENTITY
    size_px: tuple[Side, Side] | None = None
    infrared_size_px: tuple[Side, Side] | None = None
    fit: Fit = "scale"
    infrared_lens: Lens | None = None
    visible_lens: Lens | None = None
    plane: Plane | None = None
    drift_alarm_px: Annotated[float, Field(gt=0, le=65_536)] | None = None

    @model_validator(mode="after")
    def _checked(self) -> AlignmentTable:
        self.alignment()
        return self

    def alignment(self) -> Alignment:
        """Return the geometry this table says."""
        return Alignment(
            self.homography, self.size_px, self.infrared_lens, self.visible_lens, self.plane, self.infrared_size_px
        )


class Rig(Checked):
    """Two cameras that look the same way; realtime: recordings are replayed at their own rate, as if live.

    fusion: how strongly the infrared picture shows in the fused one.
    view: what a page or a window opens with; each viewer chooses from there. output: what goes to
    --out. palettes: files with colours of the user's own, by the names that looks know them by.
    meter: what is read of the temperatures, each by its name. alarm: what is alarming of that, and of the cameras.
    alarms: where alarms are told.
    """

    visible: CameraTable
    infrared: InfraredTable
    pairing: PairingTable = PairingTable()
    alignment: AlignmentTable = AlignmentTable()
    health: HealthTable = HealthTable()
    fusion: FusionTable = FusionTable()
    view: Look = Look()
    output: OutputLook = OutputLook()
    palettes: Annotated[dict[PaletteName, str], Field(max_length=MOST_PALETTES)] = Field(default_factory=dict)
    realtime: bool = False
    meter: Annotated[tuple[MeterTable, ...], Field(max_length=MOST_METERS)] = ()
    alarm: Annotated[tuple[AlarmTable, ...], Field(max_length=MOST_ALARMS)] = ()
    alarms: AlarmsTable = AlarmsTable()

    @model_validator(mode="after")
    def _measurable(self) -> Self:
        names = [one.name for one in self.meter]
        for table, known in (("meter", names), ("alarm", [one.name for one in self.alarm])):
            if twice := sorted({name for name in known if known.count(name) > 1}):
                remedy = f"Give every {table} its own name."
                raise _unfit(
                    f"[[{table}]] name", "each name once", f"{twice[0]} twice", remedy, f'"{twice[0]}" stands twice'
                )
        for alarm in self.alarm:
            if alarm.meter is not None and alarm.meter not in names:
                wanted = " or ".join(names) or "a [[meter]] in the rig file"
                says = f'is "{alarm.meter}", and the rig has no such [[meter]]'
                remedy = f"Name one of these: {wanted}." if names else "Add that [[meter]] to the rig file."
                raise _unfit("[[alarm]] meter", wanted, alarm.meter, remedy, says)
        if names and self.infrared.temperature is None:
            remedy = "Say in [infrared.temperature] how the camera's counts become degrees."
            wanted, got = "a camera whose temperatures are known", "no [infrared.temperature]"
            raise _unfit(
                "[[meter]]", wanted, got, remedy, "has nothing to measure by: [infrared.temperature] is missing"
            )
        return self

    @model_validator(mode="after")
    def _known_colours(self) -> Self:
        if twice := sorted(self.palettes.keys() & set(SHOWN)):
            says = f"has {twice[0]}, which is the name of a palette already"
            raise _unfit("[palettes]", "a name that is not taken", twice[0], "Give the palette another name.", says)
        known = (*SHOWN, *self.palettes)
        for table, look in (("view", self.view), ("output", self.output)):
            if look.colours not in known:
                asked = nearest(look.colours, known)
                remedy = f"{asked}Choose one of them, or name a file of your own in [palettes]."
                says = f"is {look.colours!r}; known are {', '.join(known)}"
                raise _unfit(f"[{table}] colours", ", ".join(known), look.colours, remedy, says)
        return self

    @property
    def sources(self) -> tuple[Path | str, ...]:
        """What it reads, that no output may harm: the addresses, and the files with their secrets."""
        addresses = (self.visible.address, self.infrared.address)
        hook, broker = self.alarms.webhook, self.alarms.mqtt
        told = (hook and hook.url, hook and hook.secret, broker and broker.address)
        files = (file for text in (*addresses, *told) if text for file in secret_files(text))
        return (*addresses, *files, *map(Path, self.palettes.values()))

    @classmethod
    def from_file(cls, path: Path | str) -> Rig:
        """Read a rig file, whose addresses are relative to it, or the two sides of a bag with the rig that it carries.

        Raises CoconetError naming the file and the key.
        """
        check_path("rig file", path, "Name a rig file; open a Rig with coconet.open_pairs.")
        path = Path(path)
        if is_bag(path):
            return cls._of_bag(path)
        rig = check_fields(cls, read_toml(path, "a rig file", if_empty="coconet init A B writes one."), path)
        cameras = {"visible": _beside(path, rig.visible), "infrared": _beside(path, rig.infrared)}
        palettes = {name: str(path.parent / file) for name, file in rig.palettes.items()}
        return rig.model_copy(update={**cameras, "alarms": _alarms_beside(path, rig.alarms), "palettes": palettes})

    @classmethod
    def _of_bag(cls, path: Path) -> Rig:
        from coconet.runtime.ros.bag_sides import attached_rig, two_sides

        visible, infrared = two_sides(path)
        text = attached_rig(path)
        fields = {"visible": {}, "infrared": {}} if text is None else toml_fields(text, path)
        for side, address in (("visible", visible), ("infrared", infrared)):
            fields[side] = {**fields[side], "address": address}
        return check_fields(cls, fields, path)

    @classmethod
    def from_addresses(cls, visible: Path | str, infrared: Path | str, *, realtime: bool = False) -> Rig:
        """Make a rig of two addresses, with defaults for the rest; a text that is a bare number is a device's."""
        for side, address in (("visible", visible), ("infrared", infrared)):
            check_path(f"{side} camera", address, "Name a device, a file, a folder or an address.")
        addresses = [device_of(one) if isinstance(one, str) else str(one) for one in (visible, infrared)]
        tables = CameraTable(address=addresses[0]), InfraredTable(address=addresses[1])
        return cls(visible=tables[0], infrared=tables[1], realtime=realtime)

    @classmethod
    def chosen(cls, file: Path | None, visible: str | None, infrared: str | None) -> Rig:
        """The rig of a file, or of two addresses, as a command takes them. Raises CoconetError for half of either."""
        if file is not None and visible is None and infrared is None:
            return cls.from_file(file)
        if file is None and visible is not None and infrared is not None:
            return cls.from_addresses(visible, infrared)
        given = {"a rig file": file, "--visible": visible, "--infrared": infrared}
        told = " and ".join(name for name, value in given.items() if value is not None)
        raise CoconetError(
            "cameras",
            wanted="a rig file, or the visible and the infrared camera",
            got=told or "none of them",
            remedy="For example: day.mp4 night.mp4, or --visible day.mp4 --infrared night.mp4",
            says=f"are not clear from {told} alone" if told else "are not named",
        )


def written_rig(file: Path | None) -> Path | None:
    """The rig file that settings can be written into; None for a bag, which stays as it was recorded."""
    return None if file is not None and is_bag(file) else file


def _unfit(where: str, wanted: str, got: str, remedy: str, says: str) -> CoconetError:
    return CoconetError(where, wanted=wanted, got=got, remedy=remedy, says=says)


def _beside(rig_file: Path, table: Table) -> Table:
    if "://" in table.address:
        return table.model_copy(update={"address": beside(rig_file.parent, table.address)})
    return table.model_copy(update={"address": str(rig_file.parent / table.address)})


def _alarms_beside(rig_file: Path, table: AlarmsTable) -> AlarmsTable:
    folder, found = rig_file.parent, dict[str, Checked]()
    if (hook := table.webhook) is not None:
        secret = None if hook.secret is None else beside(folder, hook.secret)
        found["webhook"] = hook.model_copy(update={"url": beside(folder, hook.url), "secret": secret})
    if (broker := table.mqtt) is not None:
        found["mqtt"] = broker.model_copy(update={"address": beside(folder, broker.address)})
    if (kept := table.recording) is not None:
        found["recording"] = kept.model_copy(update={"folder": str(folder / kept.folder)})
    return table.model_copy(update=found)


def read_by(rig: Rig, reading: Reading) -> Rig:
    """The rig, its infrared front end and its pairing changed by the options of a command that were given.

    Raises CoconetError that names the key of a value that does not fit.
    """
    infrared, pairing = reading.rig_keys(), reading.pairing_keys()
    if not infrared and not pairing:
        return rig
    fields = rig.model_dump()
    fields["infrared"].update(infrared)
    fields["pairing"].update(pairing)
    return check_fields(Rig, fields, "options")


def decoded_by(rig: Rig, decoder: DecoderName | None) -> Rig:
    """The rig with another decoder, if one is given, for each side that is decoded. Raises Refused if neither is."""
    if decoder is None:
        return rig
    sides = {name: table for name, table in (("visible", rig.visible), ("infrared", rig.infrared)) if table.is_decoded}
    if not sides:
        names = [table.display_name for table in (rig.visible, rig.infrared)]
        wanted, says = "a network camera or a video", f"does not apply: neither {' nor '.join(names)} is decoded"
        got = " and ".join(names)
        raise Refused(f"--decoder {decoder}", wanted=wanted, got=got, remedy="Leave it out.", says=says)
    return rig.model_copy(update={name: table.model_copy(update={"decoder": decoder}) for name, table in sides.items()})


def fitted_by(rig: Rig, fit: Fit | None) -> Rig:
    """The rig with another fit, if one is given; scale and crop then take the place of an alignment that it has."""
    if fit is None:
        return rig
    table = rig.alignment
    kept = table if fit == "align" else AlignmentTable(drift_alarm_px=table.drift_alarm_px)
    return rig.model_copy(update={"alignment": kept.model_copy(update={"fit": fit})})


def with_heat(rig: Rig, heat: float | None) -> Rig:
    """The rig with another heat of its fused pictures, if one is given. Raises CoconetError for one beyond 0 to 100."""
    if heat is None:
        return rig
    return rig.model_copy(update={"fusion": check_fields(FusionTable, {"heat": heat}, "fusion")})


def with_look(rig: Rig, fields: Mapping[str, Any], where: str = "--look") -> Rig:
    """The rig with keys of a look, as look_fields gives them, in its view and its output.

    Colours that end in .csv are a file with a palette. Raises CoconetError that names the key of a value that does not
    fit.
    """
    if not fields:
        return rig
    palettes, colours = dict(rig.palettes), fields.get("colours")
    if isinstance(colours, str) and colours.lower().endswith(".csv"):
        name = Path(colours).stem
        palettes[name], fields = colours, {**fields, "colours": name}
    tables = {name: looked_by(getattr(rig, name), fields) for name in ("view", "output")}
    return check_fields(Rig, {**rig.model_dump(), "palettes": palettes, **tables}, where)
