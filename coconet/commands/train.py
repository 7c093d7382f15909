"""The command `coconet train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from coconet.cli import OverwriteOption
from coconet.errors import counted
from coconet.progress.board import tell_of
from coconet.progress.work import Work
from coconet.reading import Reading, reads_pictures
from coconet.terminal.notice import print_notice
from coconet.training.recipe import RunFiles, TrainingPlan


def _option(field: str, word: str = "") -> Any:
    """The option of a plan's field, with its description and default. word: how it is written, if not as the field."""
    about = TrainingPlan.model_fields[field]
    known = not about.is_required() and about.default is not None
    text = f"{about.description or field}."
    shown = str(about.default) if known else False
    return typer.Option(word or f"--{field.replace('_', '-')}", help=text[0].upper() + text[1:], show_default=shown)


@reads_pictures
def train(
    recipe: Annotated[
        Path | None, typer.Argument(help="A TOML file with the options as keys; options given here come first.")
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option(
            "--home", help="Begin the relative paths of the recipe at this folder.", show_default="its own folder"
        ),
    ] = None,
    data: Annotated[list[Path] | None, _option("data")] = None,
    out: Annotated[Path | None, _option("out")] = None,
    network: Annotated[str | None, _option("network")] = None,
    model: Annotated[str | None, _option("model")] = None,
    input_range: Annotated[str | None, _option("input_range", "--range")] = None,
    output_range: Annotated[str | None, _option("output_range")] = None,
    order: Annotated[str | None, _option("order")] = None,
    multiple: Annotated[int | None, _option("multiple")] = None,
    steps: Annotated[int | None, _option("steps")] = None,
    batch: Annotated[int | None, _option("batch")] = None,
    patch: Annotated[int | None, _option("patch")] = None,
    learning_rate: Annotated[float | None, _option("learning_rate")] = None,
    seed: Annotated[int | None, _option("seed")] = None,
    encoder: Annotated[Path | None, _option("encoder")] = None,
    start: Annotated[Path | None, _option("start")] = None,
    contrast: Annotated[float | None, _option("contrast")] = None,
    teacher: Annotated[Path | None, _option("teacher")] = None,
    distillation: Annotated[float | None, _option("distillation")] = None,
    validation: Annotated[Path | None, _option("validation")] = None,
    validate_every: Annotated[int | None, _option("validate_every")] = None,
    overwrite: OverwriteOption = False,
    *,
    reading: Reading,
) -> None:
    """Train a network on your pairs; call it again to go on after an interruption, or with --overwrite to begin again.

    The first stage is the default. The second one begins with its weights: --start WEIGHTS --contrast 1.
    """
    others = ("recipe", "home", "reading", "overwrite", "others")
    told = {name: value for name, value in locals().items() if name not in others and value not in (None, [])}
    told["reading"] = {name: value for name, value in vars(reading).items() if value is not None}
    plan = TrainingPlan.assemble(recipe, told, home)

    from coconet.writing.outputs import check_outputs

    files = RunFiles.of(plan)
    goes_on = files.state.exists()
    own = goes_on and recipe is not None and recipe.resolve() == files.recipe.resolve()  # which the run wrote itself
    inputs = [None if own else recipe, *plan.data, plan.encoder, plan.start, plan.teacher, plan.validation]
    check_outputs(files.written_by(plan), inputs=inputs, overwrite=overwrite or goes_on, made=[plan.out])
    if goes_on and not overwrite:  # before PyTorch and all pictures are loaded
        files.check_begun_alike(plan)

    from coconet.training.crops import fits
    from coconet.training.data import Selection, load_pairs
    from coconet.training.left_out import LeftOut
    from coconet.training.pace import Pace
    from coconet.training.trainer import Trainer
    from coconet.writing.new_folder import new_folder
    from coconet.writing.sole_writer import sole_writer

    selection = Selection(tuple(plan.held), frozenset(plan.neighbours))
    left_out = LeftOut()
    pairs = load_pairs(plan.data, plan.reading, selection, left_out)
    with new_folder(plan.out), sole_writer(plan.out):  # two at once would write one state in turns
        trainer = Trainer(plan, pairs, goes_on=not overwrite)
        if overwrite:  # once nothing is refused any more
            files.forget()
        small = [pair.name for pair in pairs if not fits(pair, plan.patch)]
        for name in small:
            left_out.add(f"smaller than {plan.patch} pixels a side", name)
        for note in (counted(len(pairs) - len(small), "pair"), *left_out.lines(), *trainer.notes):
            typer.echo(note, err=True)
        begun = trainer.step
        if begun:
            typer.echo(_how_it_goes_on(begun, plan.steps), err=True)
        with tell_of(Work("training", plan.steps, begun, hint="Ctrl-C keeps the steps that are made")) as work:
            pace = Pace()

            def report(step: int, loss: float) -> None:
                work.update(f"training, loss {loss:.3f}{pace.after(step - begun)}", done=step)

            try:
                weights = trainer.run(report)
            except BaseException:
                if trainer.step:
                    typer.echo(_what_is_kept(files, trainer.step), err=True)
                raise
    if trainer.step == 0:
        print_notice(f"{weights} holds weights that no step has trained; give --steps a number above 0")
    log = f"; log in {files.log}" if files.log.exists() else ""  # a run of few steps has none
    typer.echo(f"{weights}: {plan.called} after {counted(trainer.step, 'step')}{log}")


def _how_it_goes_on(begun: int, steps: int) -> str:
    if begun < steps:
        return f"goes on after {counted(begun, 'step')}, to {steps}"
    if begun > steps:
        return f"goes on after {counted(begun, 'step')}, which is past the {steps} asked for"
    return (
        f"was finished before: all {counted(steps, 'step')} are made. A larger --steps goes on from there; "
        "--overwrite begins again"
    )


def _what_is_kept(files: RunFiles, step: int) -> str:
    return (
        f"{files.state} holds the state after {counted(step, 'step')}: the same command goes on from there, and "
        "coconet export takes it as weights"
    )
