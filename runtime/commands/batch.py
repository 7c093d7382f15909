"""The command `coconet batch`: many recordings become fused videos, each exactly once in effect."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from coconet.event_log import LogStyle, logging_as
from coconet.media.encoding.encoder import EncoderName
from coconet.model_names import DEFAULT_MODEL
from coconet.pages.browser import OpenOption, open_page
from coconet.progress.work import Work
from coconet.reading import Reading, reads_pictures
from coconet.runtime.backends.choice import ASKABLE
from coconet.runtime.loop.selection import OnError

if TYPE_CHECKING:
    from coconet.runtime.fleet.batch import BatchResult
    from coconet.runtime.fleet.job import Job, WorkerShare
    from coconet.runtime.fleet.storage import Results

EngineKind = Literal["local", "ray"]

_PLACE_S = 20.0
"""After so long it is said once that a cluster has no place for some of the workers."""

Form = Literal["video", "pictures"]


@reads_pictures
def batch(
    jobs: Annotated[Path, typer.Argument(help="A tree of recordings, or a .csv or .jsonl with one job a line.")],
    out: Annotated[
        str, typer.Option("--out", help="Write the results to this folder, or to s3://, gs://, ssh://, ...")
    ],
    engine: Annotated[
        EngineKind, typer.Option("--engine", help="Run the workers on this machine, or on a Ray cluster.")
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            help="Join the Ray cluster at this address, or at RAY_ADDRESS, with --workers or --gpus; Ray starts here "
            "without either.",
        ),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", help="Fuse jobs that name no model with this one, as for run.")
    ] = DEFAULT_MODEL,
    backend: Annotated[str, typer.Option("--backend", help=f"Run the model on {', '.join(ASKABLE)}.")] = "auto",
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Start N workers.", show_default="one for each share of the cores"),
    ] = None,
    cores: Annotated[
        int | None,
        typer.Option(
            "--cores", min=1, help="Give each worker N processor cores.", show_default="2, or fewer for many workers"
        ),
    ] = None,
    gpus: Annotated[int, typer.Option("--gpus", min=0, help="Start one worker for each of N GPUs.")] = 0,
    slice_s: Annotated[
        float | None, typer.Option("--slice", min=1, help="Cut recordings into pieces of N seconds.")
    ] = None,
    form: Annotated[Form, typer.Option("--as", help="Write each result as a video, or as a folder of PNG.")] = "video",
    encoder: Annotated[EncoderName, typer.Option("--encoder", help="Encode videos with this, as for run.")] = "auto",
    score_every: Annotated[int, typer.Option("--score-every", min=1, help="Score every Nth frame.")] = 30,
    on_error: Annotated[
        OnError,
        typer.Option("--on-error", help="Stop a job at a damaged frame or a pair that cannot be fused, or skip it."),
    ] = "stop",
    opens: OpenOption = False,
    log: Annotated[
        LogStyle | None, typer.Option("--log", help="Log to stderr, as text or JSON lines.", show_default="nothing")
    ] = None,
    *,
    reading: Reading,
) -> None:
    """Fuse many recordings. Results that exist and were made from the same inputs are kept.

    Exit codes: 0 everything is there; 2 something refused before the start; 7 some recordings failed, or lack what is
    damaged in them, and are named; 130 stopped, and the same command makes the rest.
    """
    from coconet.errors import ExitCode
    from coconet.progress.board import tell_of
    from coconet.runtime.api.card import read_card
    from coconet.runtime.fleet.batch import BatchProgress, run_batch
    from coconet.runtime.fleet.engines.open_engine import open_engine
    from coconet.runtime.fleet.engines.shares import crowding
    from coconet.runtime.fleet.job import BatchSettings
    from coconet.runtime.fleet.report import write_report
    from coconet.runtime.fleet.storage import Results
    from coconet.runtime.fleet.unseen import with_unseen
    from coconet.runtime.threads.stop_signals import stopped_by_signals
    from coconet.terminal.console import Console

    listed = _listed(jobs, model, slice_s)
    address = address or (os.environ.get("RAY_ADDRESS") if engine == "ray" else None)
    _check_words(engine, address, backend)
    if engine == "local" and any(job.model == model for job in listed):
        read_card(model)  # the nodes of a cluster may have what this machine lacks
    results = Results(out)
    _check_results(results, jobs, listed)
    settings = BatchSettings(out, form, score_every, backend, encoder, reading, on_error)
    in_cluster = engine == "ray" and bool(address)
    divided = _divide(workers, cores, gpus, in_cluster=in_cluster)[: len(listed)]
    if note := crowding(divided):
        typer.echo(f"note: {note}", err=True)
    waits = Event()
    with (
        results.held(),
        stopped_by_signals() as stop,
        logging_as(log),
        tell_of(Work("starting", share=True, called="fusing")) as work,
    ):

        def tell_standing(how: BatchProgress) -> None:
            work.update(f"fusing, {how.to_text()}", done=how.made_s, total=how.total_s)
            if how.placeless and how.seconds > _PLACE_S and not waits.is_set():
                waits.set()
                typer.echo(f"note: {how.placeless} of {len(divided)} workers still wait for a place.", err=True)

        opened = open_engine(engine, settings, divided, address)
        try:
            result = run_batch(listed, opened, stop, tell_standing)
        finally:
            opened.close()
        write_report(with_unseen(result, listed, results), results)
    _name_bad(result)
    Console().print(f"{result.to_text(len(listed))} {out}/report.html", soft_wrap=True, highlight=False)
    if opens:
        _open_report(results)
    if result.stopped:
        raise typer.Exit(130)
    if result.failed or result.left_out:
        raise typer.Exit(ExitCode.MISFITS)


def _listed(source: Path, model: str, slice_s: float | None) -> list[Job]:
    """The jobs to be made, in slices if asked for; recordings that are not finished are named on stderr."""
    from coconet.runtime.fleet.job_list import in_slices, read_jobs, with_seconds
    from coconet.runtime.fleet.unfinished_jobs import without_open

    finished = without_open(read_jobs(source, model))
    for note in finished.notes:
        typer.echo(f"note: {note}", err=True)
    listed = [with_seconds(job) for job in finished.jobs]
    return listed if slice_s is None else in_slices(listed, slice_s)


def _name_bad(result: BatchResult) -> None:
    """Name on stderr what is to be warned of, what failed, and what results lack of their recordings."""
    from coconet.terminal.notice import print_notice

    for name, line in result.warnings:
        print_notice(f"{name}: {line}")
    for name, reason in result.failed.items():
        typer.echo(f"failed: {name}: {reason}", err=True)
    for name, line in result.left_out:
        typer.echo(f"left out: {name}: {line}", err=True)


def _check_words(engine: EngineKind, address: str | None, backend: str) -> None:
    """Refuse what no job could run with."""
    from coconet.errors import Refused
    from coconet.runtime.backends.choice import check_askable
    from coconet.runtime.fleet.engines.open_engine import check_address

    if backend == "remote":
        wanted = "a backend of the workers"
        says = (
            "cannot be remote in a batch: what a result is made of counts by its content, and a server hides its model"
        )
        remedy = "Name the model itself, --model FILE; other machines work for a batch by --engine ray."
        raise Refused("--backend", wanted=wanted, got="remote", remedy=remedy, says=says)
    check_askable(backend)
    if address is None:
        return
    if engine != "ray":
        remedy = "Pass --engine ray, or leave it out."
        raise Refused("--address", wanted="--engine ray", got=engine, remedy=remedy, says="is of a Ray cluster")
    check_address(address)


def _check_results(results: Results, source: Path, listed: list[Job]) -> None:
    """Refuse a place that takes no results, or in which one would write over an input or over what is no report."""
    from coconet.runtime.fleet.job_list import check_results
    from coconet.runtime.fleet.report import check_reports
    from coconet.writing.outputs import check_outputs

    if results.local is not None:
        check_outputs([results.local], inputs=[source], overwrite=True, made=[results.local])
        check_results(listed, results.local)
    check_reports(results)


def _divide(workers: int | None, cores: int | None, gpus: int, *, in_cluster: bool) -> list[WorkerShare]:
    """What each worker gets, of a cluster or of this machine."""
    from coconet.runtime.fleet.engines.shares import check_gpus, cluster_shares, shares

    if in_cluster:
        return cluster_shares(workers, cores, gpus)
    check_gpus(gpus)
    return shares(workers, cores, gpus)


def _open_report(results: Results) -> None:
    """Open the report in a browser, if it lies on this machine."""
    from coconet.runtime.fleet.job import REPORT_HTML

    if results.local is None:
        typer.echo(f"{REPORT_HTML} was not opened: the results lie elsewhere.", err=True)
    else:
        open_page(results.local / REPORT_HTML)
