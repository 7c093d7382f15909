"""The recipe of a training run, and the plan that adds where its pictures and weights lie; one TOML file holds both."""

from __future__ import annotations

import os
import pickletools
import re
import zipfile
import zlib
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import Field, TypeAdapter, model_validator

from coconet.config import Checked, check_fields, read_toml, write_toml
from coconet.errors import CoconetError, Refused
from coconet.model_endings import SAFETENSORS
from coconet.model_names import DEFAULT_MODEL
from coconet.reading import UNSAID, Reading

if TYPE_CHECKING:
    from typing_extensions import Self


class Recipe(Checked):
    """How a network is trained; a run goes on only with the recipe it began with."""

    network: str = Field(
        default=DEFAULT_MODEL, description="train lite, coconet or a published network, such as densefuse"
    )
    steps: int = Field(default=4000, ge=0, description="train for N steps")
    batch: int = Field(default=16, ge=1, description="take N crops for each step")
    patch: int = Field(
        default=128, ge=64, multiple_of=16, description="cut crops with sides of N pixels, a multiple of 16"
    )
    learning_rate: float = Field(default=1e-3, gt=0, description="let Adam's step size rise to this")
    seed: int = Field(
        default=0, ge=0, description="draw everything random from this seed: the same seed gives the same run"
    )
    c1: float = Field(default=0.5, gt=0, description="temperature of the shares by gradient activity")
    c2: float = Field(default=0.75, gt=0, description="temperature of the shares by entropy")
    structure: float = Field(default=1.0, ge=0, description="weight of 1 - SSIM, shared out by gradient activity")
    intensity: float = Field(default=0.4, ge=0, description="weight of the squared error, shared out by entropy")
    edge: float = Field(default=12.0, ge=0, description="weight of the difference to the stronger gradient")
    edge_transfer: float = Field(default=2.0, ge=0, description="weight of 1 - Qabf")
    correlation: float = Field(default=1.0, ge=0, description="weight of 2 - SCD")
    exposure: float = Field(default=10.0, ge=0, description="weight of the squared error of the mean level")
    information: float = Field(default=2.0, ge=0, description="weight of -log VIF, mean of both sources")
    entropy: float = Field(default=0.0, ge=0, description="weight of the bits of entropy that 8 have more, per picture")
    levels: bool = Field(
        default=False, description="judge the fused picture in the whole gray levels it will be saved in"
    )
    relative: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="how far structure and edges are judged as if a dark crop had been exposed well: 0 not at all, "
        "1 as if its mean were that of a bright one",
    )
    contrast: float = Field(
        default=0.0, ge=0, description="give the coupled contrastive loss this weight, for the second stage"
    )
    steadiness: float = Field(
        default=0.0, ge=0, description="weight of the noise that the fused picture passes on, from a noisy twin"
    )
    noise_gain: float = Field(
        default=1.0,
        ge=0,
        description="how much of the noise may pass for nothing: 1 is as much as the less steady source has alone",
    )
    noise_levels: float = Field(
        default=1.5,
        ge=0,
        description="most noise on the twin of a still, in levels of 0..255: faint noise teaches to leave out faint "
        "detail and no other; with several levels of it edges would fade as well; 0 leaves steadiness to the videos",
    )
    int8: bool = Field(
        default=False,
        description="round what enters the inner convolutions as INT8 will, so that the network gets used to it",
    )
    distillation: float = Field(
        default=10.0, ge=0, description="give the distance to the teacher this weight, if there is one"
    )
    day_teacher: float = Field(
        default=0.0, ge=0, description="weight of the distance to the coarse band of the teacher where it is bright"
    )
    conditions: float = Field(
        default=0.0, ge=0, le=1, description="share of the crops whose cameras get noise, patterns and compression"
    )
    night: float = Field(default=0.0, ge=0, le=1, description="share of the crops that are turned into night")
    model: str | None = Field(
        default=None,
        description="train your own network in place of those: package.module:factory, called without arguments",
    )
    input_range: str | None = Field(
        default=None, description="feed --model black and white as these values, such as 0..1 or -1..1"
    )
    output_range: str | None = Field(
        default=None, description="read black and white from --model as these values, if they are others"
    )
    order: str | None = Field(default=None, description="call --model with visible,infrared or infrared,visible")
    multiple: int | None = Field(
        default=None, ge=1, description="feed --model pictures whose sides are multiples of N pixels"
    )

    @property
    def called(self) -> str:
        """What the files of a run are called after: the network, or the factory of one of yours."""
        return self.network if self.model is None else self.model.rpartition(":")[2]


class TrainingPlan(Recipe):
    """A recipe with its sources and its folder: everything that `coconet train` is told."""

    data: list[Path] = Field(
        description="train on a paired folder (ir/, vis/ and, if there is one, mask/), the visible video of a pair, or "
        "an HDF5 file of patches; again for more"
    )
    out: Path = Field(description="keep the run in this folder; an interrupted run in it goes on")
    neighbours: list[Path] = Field(
        default=[], description="those paired folders in which pictures numbered n and n + 1 are frames of one video"
    )
    held: list[str] = Field(
        default=[], description="names of pictures, * for any letters, that are kept out of training; again for more"
    )
    encoder: Path | None = Field(
        default=None, description="use these VGG-19 weights of ImageNet, as torchvision saves them"
    )
    start: Path | None = Field(default=None, description="begin with these weights, for the second stage")
    teacher: Path | None = Field(default=None, description="follow the fused pictures of these weights")
    validation: Path | None = Field(
        default=None, description="validate on these held-out pairs, of any kind that --data takes"
    )
    half: bool = Field(default=False, description="store the final weights in half precision")
    validate_every: int = Field(default=500, ge=1, description="validate every N steps")
    reading: Reading = Field(default=UNSAID, description="how pictures are read and paired")

    @model_validator(mode="after")
    def _checked(self) -> Self:
        self.reading.thermal()  # refuses what does not fit
        about_model = (self.input_range, self.output_range, self.order, self.multiple)
        if self.model is None and any(one is not None for one in about_model):
            raise CoconetError(
                "--range, --output-range, --order and --multiple",
                wanted="--model",
                got="a network that is known",
                says="are of a network of yours",
                remedy="Add --model package.module:factory, or leave them out.",
            )
        if self.model is not None and (self.input_range is None or self.order is None):
            raise CoconetError(
                f"--model {self.model}",
                wanted="--range and --order",
                got="one of them or neither",
                says="needs --range and --order beside it",
                remedy="Say which values its inputs have for black and white, and how forward orders its arguments.",
            )
        return self

    @property
    def recipe(self) -> Recipe:
        """What decides the weights, without the places of files."""
        return Recipe.model_validate(self.model_dump(include=set(Recipe.model_fields)))

    @classmethod
    def assemble(cls, file: Path | None, options: Mapping[str, Any], home: Path | None = None) -> TrainingPlan:
        """Join a recipe file with options, which come first.

        Tables are joined key by key. Paths become absolute: those of the file are relative to `home` or, without it, to
        the folder of the file, those of options to the working folder. A recipe beside the state of its run is of that
        run, wherever the folder was moved or copied to, unless an option says `out`.
        Raises CoconetError that names the key that does not fit.
        """
        fields = _joined(read_toml(file, "a recipe") if file else {}, options)
        for name in ("data", "out"):
            if name not in fields:
                raise CoconetError(
                    file or "coconet train",
                    wanted=name,
                    got="nothing",
                    remedy=f"Give --{name}, or put it in a recipe.",
                    says=f"lacks {name}",
                )
        if fields.get("model") is not None and "network" in fields:
            raise CoconetError(
                "--network and --model",
                wanted="one of them",
                got="both",
                says="are given together",
                remedy="Leave one of them out.",
            )
        try:
            plan = check_fields(cls, fields, file or "coconet train")
        except Refused as error:
            raise _about_option(error, options) from None
        home = home or (file.parent if file else Path())
        plan = plan.model_copy(
            update={name: _absolute(value, Path() if name in options else home) for name, value in plan}
        )
        return plan if file is None or "out" in options else plan._in_run_of(file)

    def _in_run_of(self, file: Path) -> TrainingPlan:
        """The plan with the run beside its recipe, wherever that was moved or copied to, if there is one."""
        beside = self.model_copy(update={"out": Path(os.path.realpath(file.parent))})
        files = RunFiles.of(beside)
        return beside if file.name == files.recipe.name and files.state.exists() else self

    @property
    def sources(self) -> dict[str, list[str]]:
        """Where the pictures are that decide the weights, those that are left out, and those that judge them."""
        validation = [] if self.validation is None else [str(self.validation)]
        paths = {name: [str(path) for path in getattr(self, name)] for name in ("data", "neighbours")}
        return {**paths, "held": self.held, "validation": validation}

    def save(self, path: Path) -> None:
        """Write the plan as TOML that `coconet train` takes."""
        fields = self.model_dump(mode="json", exclude_none=True, exclude={"network"} if self.model else None)
        write_toml(path, {name: value for name, value in fields.items() if value != {}})


class RunFiles(NamedTuple):
    """What a training run leaves in its folder; the last three only with a validation."""

    state: Path
    log: Path
    recipe: Path
    weights: Path
    best: Path
    journal: Path
    sheet: Path

    @classmethod
    def of(cls, plan: TrainingPlan) -> RunFiles:
        """Name the files of a run."""
        folder, network = plan.out, plan.called
        weights = (folder / f"{network}{SAFETENSORS}", folder / f"{network}.best{SAFETENSORS}")
        validation = (folder / "validation.csv", folder / "validation.png")
        return cls(folder / "state.pt", folder / "log.csv", folder / f"{network}.recipe.toml", *weights, *validation)

    def written_by(self, plan: TrainingPlan) -> tuple[Path, ...]:
        """Those that a run writes: without a validation the last three are none of them."""
        return tuple(self) if plan.validation is not None else (self.state, self.log, self.recipe, self.weights)

    def forget(self) -> None:
        """Remove what a run would go on from; weights stay until new ones are whole."""
        for path in (self.state, self.log, self.journal):
            path.unlink(missing_ok=True)

    def check_begun_alike(self, plan: TrainingPlan) -> None:
        """Raise CoconetError, with what differs, if the state that lies there is of a run begun with other options.

        It is told from the state in milliseconds and without PyTorch; of a state that cannot be read so, nothing is
        said here.
        """
        texts = _texts_of(self.state)
        if "recipe" not in texts:
            return
        try:
            was = Recipe.model_validate_json(texts["recipe"])
            reading = READING.validate_json(texts["reading"]) if "reading" in texts else plan.reading
            sources = SOURCES.validate_json(texts["sources"]) if "sources" in texts else {}
        except ValueError as error:
            raise begun_otherwise(self.state, "its recipe has keys or values that are not known here") from error
        before, now = ({**recipe.model_dump(), **vars(read)} for recipe, read in ((was, reading), (plan, plan.reading)))
        told = [
            f"{name} was {_show_value(value)}, now {_show_value(now[name])}"
            for name, value in before.items()
            if name != "steps" and value != now[name]
        ]
        others = [
            f"{name} was {', '.join(value) or 'not set'}, now {', '.join(plan.sources[name]) or 'not set'}"
            for name, value in sources.items()
            if not _merely_moved(value, plan.sources[name])
        ]
        if told or others:
            place = self.recipe.with_name(f"{was.called}.recipe.toml")
            weights = self.weights if self.weights.exists() else self.state
            with_others = f" To go on with other pictures, begin a new run: --start {weights} --out FOLDER."
            where = f", which stand in {place}"
            raise begun_otherwise(self.state, "; ".join(told + others), where, with_others if others else "")


READING = TypeAdapter(Reading)
"""Writes and reads what was said of how pictures are read."""

SOURCES = TypeAdapter(dict[Literal["data", "neighbours", "held", "validation"], list[str]])
"""Writes and reads the sources of a plan."""


def _merely_moved(before: list[str], now: list[str]) -> bool:
    """Whether these are the sources of before; of one that is gone, another in its place is taken to be the same."""
    pairs = zip(before, now, strict=False)
    gone = (Path(was).is_absolute() and not Path(was).exists() for was, is_now in pairs if was != is_now)
    return len(before) == len(now) and all(gone)


def begun_otherwise(state: Path, differences: str, place: str = "", more: str = "") -> CoconetError:
    """The error about a state that no run with these options goes on from.

    place: where those it wants stand. more: a sentence on what else to do.
    """
    return CoconetError(
        state,
        wanted="a run begun with these options",
        got=differences,
        remedy=f"Repeat the options of the first call{place}; choose another --out, or begin again with --overwrite."
        f"{more}",
        says=f"is of a run begun with other options: {differences}",
    )


def _show_value(value: object) -> str:
    return "not set" if value is None else str(value)


def _texts_of(state: Path) -> dict[str, str]:
    """The texts under the keys of what torch.save wrote; the pickle is looked through, not executed.

    Empty for a file that is not there or of another kind.
    """
    try:
        with zipfile.ZipFile(state) as archive:
            name = next(one for one in archive.namelist() if one.endswith("/data.pkl"))
            pickled = archive.read(name)
        texts = [str(value) for code, value, _ in pickletools.genops(pickled) if code.name == "BINUNICODE"]
    except (OSError, ValueError, RuntimeError, EOFError, StopIteration, zipfile.BadZipFile, zlib.error):
        return {}
    followed = dict(pairwise(texts))
    return {key: followed[key] for key in ("recipe", "reading", "sources") if followed.get(key, "").startswith("{")}


def _about_option(error: Refused, options: Mapping[str, Any]) -> Refused:
    """The same error about the option, if that gave the value that does not fit."""
    parts, reading = re.split(r", |\] ", error.where)[-1].split("."), options.get("reading")
    name = parts[-1] if parts[0] == "reading" else parts[0]
    given = {**(reading if isinstance(reading, Mapping) else {}), **options}
    known = {*TrainingPlan.model_fields, *vars(UNSAID)} - {"reading"}
    if name not in known or given.get(name) is None:
        return error
    remedy = re.sub(r"Correct (or remove )?this key\b", "Correct this option", error.remedy)
    word = "--range" if name == "input_range" else f"--{name.replace('_', '-')}"
    return Refused(word, wanted=error.wanted, got=error.got, remedy=remedy, says=error.says)


def _joined(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two tables as one: of two values of one key the one above, of two tables both."""
    tables = {
        name: _joined(below[name], value)
        for name, value in above.items()
        if isinstance(value, Mapping) and isinstance(below.get(name), Mapping)
    }
    return {**below, **above, **tables}


def _absolute(value: Any, home: Path) -> Any:
    if isinstance(value, list):
        return [_absolute(one, home) for one in value]
    return Path(os.path.realpath(home / value.expanduser())) if isinstance(value, Path) else value
