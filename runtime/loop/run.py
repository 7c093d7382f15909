"""A run: rig, model and sink opened together and closed together, the rig held against the model's card."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from coconet.cards.model_card import FrontEnd, ModelCard
from coconet.errors import CoconetError, ExitCode, Refused, counted, ending_with
from coconet.event_log import log_event
from coconet.files import unfinished
from coconet.media.naming.bag_names import split_bag
from coconet.progress.board import working
from coconet.redaction import redact
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.choice import BackendChoice
from coconet.runtime.backends.open_backend import open_choice
from coconet.runtime.backends.tiles.backend import tiled
from coconet.runtime.cameras.open_camera import is_recorded
from coconet.runtime.frame import FusedFrame
from coconet.runtime.loop.pipeline import Ending, run_pipeline
from coconet.runtime.loop.run_report import RunReport
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.loop.selection import Selection
from coconet.runtime.pairing.pair_stream import PairStream
from coconet.runtime.pairing.stream_counts import StreamCounts
from coconet.runtime.picking.backend import PickedBackend
from coconet.runtime.picking.scenes import scenes_of
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.sinks.open_sink import Output, is_mcap, open_with_reserve, output_path, recover_output
from coconet.runtime.sinks.reserve_sink import ReserveSink
from coconet.runtime.sinks.sink import FolderSink, files_of
from coconet.runtime.threads.queue_thread import result_unless
from coconet.terminal.notice import print_notice
from coconet.writing.recovery import recovered_beside

if TYPE_CHECKING:
    from coconet.media.encoding.encoder_choice import EncoderChoice


class FrontEndCheck:
    """Called after every fused frame; once the rig's front end is known, it warns in one sentence where the two differ.

    A model that is not calibrated, or whose card does not say, is not compared.
    """

    def __init__(
        self, card: ModelCard, front_end: Callable[[], FrontEnd | None], warn: Callable[[str], object]
    ) -> None:
        """Compare what `front_end` gives with the model's card; `warn` is called with the sentence, at most once."""
        calibrated = None if card.calibration is None else card.calibration.front_end
        self._calibrated, self._front_end, self._done = calibrated, front_end, calibrated is None
        self._warn = warn

    def __call__(self, _frame: FusedFrame) -> None:
        """Compare, if that has not been done and an infrared frame has come."""
        if self._done or (here := self._front_end()) is None:
            return
        self._done = True
        if warning := front_end_warning(here, self._calibrated):
            self._warn(warning)
            log_event("front end", level=logging.WARNING, trouble=warning)


def front_end_warning(here: FrontEnd, calibrated: FrontEnd | None) -> str:
    """Say what a rig does to infrared pictures that the model's calibration did not do; empty if they agree."""
    if calibrated is None or not (unlike := here.unlike(calibrated)):
        return ""
    return (
        f"the infrared front end differs: {', '.join(unlike)}; INT8 ranges may not fit, so use the same settings, "
        "or calibrate on a recording of this rig."
    )


def run_rig(
    tuner: AdjustableRig,
    choice: BackendChoice,
    out: Output,
    *,
    ending: Ending | None = None,
    gauge: RunStats | None = None,
) -> RunReport:
    """Fuse what the rig's cameras give, with a progress bar on stderr.

    tuner: the rig, which can be changed through it meanwhile. choice: what fuses, see `choose_backend`. out: where the
    fused frames go. ending: what ends it before the cameras do. gauge: keeps the record of the run.
    Raises CoconetError for whatever cannot be opened, for an output that is an input or there already, and for what
    fails on the way; a video stays under its unfinished name then, and pictures that are whole stay.
    """
    ending, gauge = ending or Ending(), gauge or RunStats()
    out.check([tuner.file, *tuner.rig.sources, choice.path])
    _recover_output(out)
    with closing(_open_model(choice, tuner)) as backend:
        pairs = _open_cameras(tuner, ending.stop)
        if pairs is None:
            gauge.begin(backend.card, backend.name, lambda: 0)
            return RunReport.of(gauge.figures(), StreamCounts(), interrupted=True)
        with working("fusing", ending.limit or pairs.frames_expected, endless=pairs.realtime) as work:
            gauge.on_frame(work.advance)
            gauge.on_frame(FrontEndCheck(backend.card, pairs.front_end, print_notice))
            with _telling_what_is_there(out, gauge):
                return run_pairs(pairs, backend, out, ending=ending, gauge=gauge)


@contextmanager
def _telling_what_is_there(out: Output, gauge: RunStats) -> Iterator[None]:
    """Where the block ends with an error, say how many frames were fused before it, and where they are."""
    try:
        yield
    except CoconetError:
        if gauge.fused:
            path = output_path(out.address)
            places = () if path is None else (unfinished(path), path)
            place = next((str(one) for one in places if one.exists()), "")
            where = f"; what was written of them is in {place}" if place else ""
            print_notice(f"{counted(gauge.fused, 'frame')} fused before what went wrong{where}.", "note")
        raise


def run_pairs(pairs: PairStream, backend: Backend, out: Output, *, ending: Ending, gauge: RunStats) -> RunReport:
    """Fuse the pairs of cameras that are open but not read yet, and close the cameras; the backend stays open.

    Says nothing itself: who wants to hear of it asks the gauge. Errors and the rest are as `run_rig` says.
    """
    if backend.card.form == "warped":
        pairs.leave_alignment_to_model()
    with pairs:
        gauge.watch(pairs.health, pairs.drift_px, pairs.pairing_trouble)
        gauge.watch_counts(lambda: pairs.counts)
        encoders = _choose_encoders(out)
        out = _with_lens(out, pairs.rig)
        with ending_with(ExitCode.OUTPUT):
            sink = open_with_reserve(out, live=pairs.realtime, encoders=encoders)
        sparing = sink if isinstance(sink, ReserveSink) else None
        if sparing is not None:
            gauge.watch_output(lambda: sparing.ended)
        there = FolderSink(Path(out.address)).holds if out.skip_existing and out.address is not None else None
        selection = Selection(skips_misfits=pairs.gives_misfits, there=there)
        ending = dataclasses.replace(ending, selection=selection)
        shown = sink if out.drawn is None else out.drawn.before(sink, gauge)
        report = run_pipeline(pairs, backend, shown, ending=ending, gauge=gauge)
        encoded_by = encoders.facts.used if encoders else ()
        loss, path = "" if sparing is None else sparing.loss, output_path(out.address)
        made = "" if path is None or not path.exists() else str(path)
        report = dataclasses.replace(report, output_loss=loss, encoders=encoded_by, written_to=made)
        report = dataclasses.replace(report, files=() if path is None else files_of(sink))
    return dataclasses.replace(report, counts=pairs.counts)  # closed cameras have nothing that waits


def _choose_encoders(out: Output) -> EncoderChoice | None:
    """What the output's encoder is chosen from; None if nothing is encoded, so that PyAV need not be there."""
    if not out.is_encoded:
        return None
    from coconet.media.encoding.encoder_choice import EncoderChoice

    return EncoderChoice(out.encoder)


def _with_lens(out: Output, rig: Rig | None) -> Output:
    """The output with what is known of the visible lens, if it is a bag."""
    path = output_path(out.address)
    if rig is None or path is None or not is_mcap(path):
        return out
    from coconet.runtime.rig.open_rig import rig_info

    return dataclasses.replace(out, info=rig_info(rig, "visible"))


def _recover_output(out: Output) -> None:
    """Finish what a run of the same name that broke off has left, and say what it is called now."""
    path = output_path(out.address)
    if path is not None and out.rotation is None and unfinished(path).is_file():
        with ending_with(ExitCode.OUTPUT):
            found = recover_output(path)
        if found is not None:
            left = f"a run that broke off had left {unfinished(path).name}; what was in it is {found.name} now."
            print_notice(f"{left}{recovered_beside(path)}")


def _open_model(choice: BackendChoice, tuner: AdjustableRig) -> Backend:
    with ending_with(ExitCode.MODEL):
        if choice.picked_from is not None:
            return PickedBackend(
                choice.picked_from, choice.tiles, lambda card: scenes_of(tuner.rig, laid=card.form != "warped")
            )
        return tiled(open_choice(choice), choice.tiles)


def _open_cameras(tuner: AdjustableRig, stop: Event) -> PairStream | None:
    """Open the cameras, which may take as long as a network waits for an answer; None if that was stopped."""
    with ending_with(ExitCode.CAMERA):
        try:
            return result_unless(stop, tuner.open, "open cameras")
        except Refused:
            _check_still_there(tuner.rig)
            raise


def _check_still_there(rig: Rig) -> None:
    """Raise CoconetError for a file or folder that has vanished since the command began, whatever that has caused."""
    for address in (rig.visible.address, rig.infrared.address):
        if is_recorded(address) and split_bag(address) is None and not Path(address).exists():
            raise CoconetError(
                redact(address),
                wanted="a file or folder that stays while the command runs",
                got="one that is gone",
                remedy="Put it back, and start again.",
                says="was removed while the command ran",
            )
