"""The command `coconet bench`: measure, and what is done with what was measured."""

from __future__ import annotations

import importlib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from coconet.benchmarks.latency.pick_command import pick
from coconet.benchmarks.studies.field_command import field
from coconet.cards.frame_size import FrameSize
from coconet.cli import HELP, OverwriteOption
from coconet.errors import CoconetError, counted
from coconet.model_endings import ONNX_SUFFIX
from coconet.model_names import DEFAULT_MODEL, MODELS
from coconet.pages.browser import OpenOption, check_open, open_page
from coconet.progress.board import tell_of, working
from coconet.progress.work import Work
from coconet.reading import Reading, reads_pictures
from coconet.terminal.console import Console
from coconet.terminal.notice import print_notice

if TYPE_CHECKING:
    from coconet.benchmarks.latency.campaign import Plan
    from coconet.benchmarks.machine.device import Device
    from coconet.benchmarks.results.report import BenchReport
    from coconet.benchmarks.results.schema import Row


SHORT = tuple(word for word, file in MODELS.items() if file.endswith(ONNX_SUFFIX))
"""What is measured when nothing is named: what comes ready to run."""

QUICK = tuple(MODELS)

QUICK_GPU = (*QUICK, "lite@half", "coconet@half")
"""What comes with the package; half precision where there is a GPU, because a processor takes minutes for it."""

PEERS = ("lite", "lite@openvino", "lite-int8", "lite-int8@openvino", "lite.safetensors", "lite@half", "lite@compile")

MATRIX = (*PEERS, "coconet", "coconet@half", "coconet@compile")

SIZE = "480x640"

QUICK_SIZES = ("256x320", SIZE)

MATRIX_SIZES = (*QUICK_SIZES, "768x1024", "1024x1280")

QUICK_LIMIT_S = 4.0

_PIPED_WIDTH = 200

QUICK_STREAM_S = 1.5

HtmlOption = Annotated[
    Path | None, typer.Option("--html", help="Write one self-contained page with plots to this file.")
]

MarkdownOption = Annotated[Path | None, typer.Option("--markdown", help="Write the table to this file as Markdown.")]


class DefaultGroup(TyperGroup):
    """A group whose command `measure` may be left out: `coconet bench lite` is `coconet bench measure lite`."""

    default = "measure"

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Put the default in front, unless a command or the help of the group is asked for."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [self.default, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=DefaultGroup,
    name="bench",
    context_settings=HELP,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Measure latency, energy and quality of models on this device. `measure` may be left out: coconet bench lite.",
)


@app.command()
@reads_pictures
def measure(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="What `coconet run --model` takes, or model@openvino, weights@compile."),
    ] = None,
    size: Annotated[
        list[str] | None, typer.Option(help="Measure at this frame size, HEIGHTxWIDTH in pixels; again for more.")
    ] = None,
    frames: Annotated[
        Path | None,
        typer.Option(help="Fuse this paired folder, rig.toml or recording.", show_default="synthetic scenes"),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Fuse N pairs in turn.")] = 4,
    repeats: Annotated[int | None, typer.Option(min=1, help="Time N frames of every model.")] = None,
    limit: Annotated[float, typer.Option(min=0.1, help="Time each model for at most this many seconds.")] = 20.0,
    endurance: Annotated[
        bool, typer.Option("--endurance", help="Time at least 1024 frames and 600 s of every model, judged by p90.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Measure all shipped models at two sizes in under two minutes.")
    ] = False,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Measure every model and PyTorch peer at four sizes.")
    ] = False,
    streams: Annotated[
        float,
        typer.Option(
            min=0, help="Measure end to end too, from two videos of this many seconds to a fused one; 0: not."
        ),
    ] = 0.0,
    layers: Annotated[bool, typer.Option("--layers", help="Profile ONNX models node by node too.")] = False,
    patience: Annotated[
        float, typer.Option(min=1, help="Leave out a model that takes longer than this many seconds for one answer.")
    ] = 120.0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write every figure to this file as JSON while measuring.")
    ] = None,
    html: HtmlOption = None,
    opens: OpenOption = False,
    markdown: MarkdownOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the rows that --json already has.")] = False,
    overwrite: OverwriteOption = False,
    *,
    reading: Reading,
) -> None:
    """Time models on the same frames, in turns, once they have been found to give the same pictures."""
    from coconet.benchmarks.latency.campaign import Plan
    from coconet.benchmarks.latency.entry import Entry, label_entries
    from coconet.benchmarks.latency.pictures import BenchFrames
    from coconet.benchmarks.latency.stopping_rule import StoppingRule
    from coconet.benchmarks.machine.device import this_device
    from coconet.runtime.api.card import read_card
    from coconet.runtime.rig.sample_frames import inputs_of
    from coconet.writing.outputs import check_free, check_outputs

    check_open(opens, html)
    _check_page(html)
    named = [Entry.parse(word) for word in models or ()]
    read = [entry.resolved for entry in named]
    check_outputs([json_file, html, markdown], inputs=[*inputs_of(frames), *read], overwrite=True)
    if not overwrite:
        check_free([html, markdown] if resume else [json_file, html, markdown])
    for entry in named:  # one that cannot be read would be found when the others have been measured for minutes
        read_card(entry.path)
    _check_frames(frames, reading)
    device = this_device()
    shipped = MATRIX if matrix else (QUICK_GPU if device.gpus else QUICK) if quick else SHORT
    words = models or shipped
    sizes = size or (MATRIX_SIZES if matrix else QUICK_SIZES if quick else (SIZE,))
    plan = Plan(
        entries=tuple(label_entries([Entry.parse(word) for word in words])),
        sizes=tuple(FrameSize.parse(one) for one in sizes),
        effort=StoppingRule(
            least=3 if quick else 5,
            limit_s=min(limit, QUICK_LIMIT_S) if quick else limit,
            repeats=repeats,
            endurance=endurance,
            warmup=1 if quick else 2,
        ),
        frames=BenchFrames(frames, min(count, 2) if quick else count, reading),
        streams_s=streams or (QUICK_STREAM_S if quick else 0.0),
        layers=layers or quick,
        patience_s=patience,
    )
    report = _measured(plan, device, json_file, _kept_rows(json_file, resume))
    _show([report], html, markdown)
    if html and opens:
        open_page(html)
    if not any(row.latency for row in report.rows):
        raise CoconetError(
            "bench",
            wanted="at least one model that can be timed",
            got="none",
            remedy="The lines above say why.",
            says="could time none of the models",
        )


@app.command()
def show(
    reports: Annotated[list[Path], typer.Argument(help="Reports of --json, of one or of several devices.")],
    html: HtmlOption = None,
    opens: OpenOption = False,
    markdown: MarkdownOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Show reports again: several devices become one table and one page."""
    from coconet.benchmarks.results.report import read_report
    from coconet.writing.outputs import check_outputs

    check_open(opens, html)
    check_outputs([html, markdown], inputs=reports, overwrite=overwrite)
    _show([read_report(path) for path in reports], html, markdown)
    if html and opens:
        open_page(html)


app.command()(field)
app.command()(pick)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A.json", help="The report to compare with.")],
    second: Annotated[Path, typer.Argument(metavar="B.json", help="The report to be judged.")],
) -> None:
    """Compare every line that two reports share: whether B is slower, faster or no different, and how sure that is."""
    from coconet.benchmarks.results.compare_table import versus_lines
    from coconet.benchmarks.results.report import read_report

    for line in versus_lines(read_report(first), read_report(second)):
        Console().print(line)


@app.command()
def honesty(
    rounds: Annotated[int, typer.Option(min=1, help="Make N comparisons of each kind.")] = 20,
    model: Annotated[str, typer.Option(help="Measure this model against itself.")] = DEFAULT_MODEL,
    size: Annotated[str, typer.Option(help="Measure at this frame size, HEIGHTxWIDTH in pixels.")] = "256x320",
    seconds: Annotated[float, typer.Option(min=1, help="Time each run for this many seconds.")] = 20.0,
    slower: Annotated[
        float, typer.Option(min=0, help="Make the slowed twin slower by this share; 0.1 is 10 %.")
    ] = 0.10,
) -> None:
    """Test the benchmark itself: the same model twice has to be no different, a slowed twin has to be found."""
    from coconet.benchmarks.latency.entry import Entry
    from coconet.benchmarks.latency.self_test import SelfTestPlan, compare_with_itself
    from coconet.runtime.api.card import read_card
    from coconet.runtime.threads.stop_signals import stopped_by_signals

    entry = Entry.parse(model)
    read_card(entry.path)
    trial = SelfTestPlan(entry, FrameSize.parse(size), seconds, slower)
    with working("comparing", rounds) as work, stopped_by_signals() as stop:
        found = compare_with_itself(trial, rounds, work.advance, stop)
    for line in found.lines():
        Console().print(line)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a report."""
    import json

    from coconet.benchmarks.results.report import BenchReport

    typer.echo(json.dumps(BenchReport.model_json_schema(), indent=2))


def _measured(plan: Plan, device: Device, json_file: Path | None, rows: tuple[Row, ...]) -> BenchReport:
    from coconet.benchmarks.latency.campaign import Campaign
    from coconet.benchmarks.latency.sampler import Sampler
    from coconet.benchmarks.machine.sensors import open_sensor

    def keep(report: BenchReport) -> None:
        if json_file:
            report.write(json_file)

    with (
        closing(open_sensor()) as sensor,
        Sampler(sensor) as sampler,
        tell_of(Work("measuring size after size", len(plan.sizes), uneven=True)) as sizes,
        tell_of(Work("starting", 1.0, uneven=True)) as work,
    ):

        def tell(doing: str, share: float) -> None:
            work.update(doing, done=share)
            sizes.update(done=int(share * len(plan.sizes) + 1e-6))

        campaign = Campaign(plan, device, keep, tell, rows)
        try:
            report = campaign.run(sampler)
        except BaseException:  # a signal that ends the command, too
            print_notice(_say_what_is_kept(campaign.report, json_file), "note")
            raise
    keep(report)
    return report


def _say_what_is_kept(report: BenchReport, json_file: Path | None) -> str:
    """Say how much of a campaign that breaks off is there, and how it goes on."""
    if json_file is None:
        return "nothing of what was measured is kept: pass --json FILE, and --resume goes on from it."
    return (
        f"{counted(len(report.rows), 'whole row')} in {json_file}; the same command with --resume measures the others."
    )


def _kept_rows(json_file: Path | None, resume: bool) -> tuple[Row, ...]:
    from coconet.benchmarks.results.report import read_report

    if json_file is not None and resume and json_file.exists():
        return read_report(json_file).rows
    return ()


def _show(reports: list[BenchReport], html: Path | None, markdown: Path | None) -> None:
    from coconet.benchmarks.results.report import bench_tables, remarks
    from coconet.files import whole_file

    console = Console()
    if not console.is_terminal:  # a file or a pipe has no width that columns would have to fit into
        console = Console(width=_PIPED_WIDTH)
    for report in reports:
        for table in bench_tables(report):
            console.print(table)
        for line in (report.noise_in_words(), *remarks(report.rows)):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    if markdown:
        from coconet.benchmarks.results.markdown import bench_markdown

        with whole_file(markdown) as scratch:
            scratch.write_text(bench_markdown(reports), encoding="utf-8")
    if html:
        from coconet.benchmarks.results.page import bench_page

        with whole_file(html) as scratch:
            scratch.write_text(bench_page(reports), encoding="utf-8")


def _check_frames(frames: Path | None, reading: Reading) -> None:
    """Read a pair before anything is measured: a camera that is absent ends the command as it does any other."""
    from coconet.errors import ExitCode, ending_with
    from coconet.runtime.rig.sample_frames import sample_frames

    if frames is not None:
        with ending_with(ExitCode.CAMERA):
            next(iter(sample_frames(frames, reading)), None)


def _check_page(html: Path | None) -> None:
    """Refuse a page that could not be drawn before anything is measured for it."""
    if html is not None:
        importlib.import_module("coconet.benchmarks.results.page")
