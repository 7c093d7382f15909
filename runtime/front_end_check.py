"""The front end of a rig held against the one that an INT8 model was calibrated behind."""

from __future__ import annotations

import logging
from collections.abc import Callable

from rich.console import Console

from coconet.front_end import FrontEnd
from coconet.signature import ModelCard
from runtime.frame import FusedFrame
from runtime.run_log import log_event


class FrontEndCheck:
    """Told of every fused frame; once the rig's front end is known, it warns in one sentence where the two differ.

    A model that is not calibrated, or whose card does not say, is not compared.
    """

    def __init__(self, card: ModelCard, front_end: Callable[[], FrontEnd | None]) -> None:
        calibrated = None if card.calibration is None else card.calibration.front_end
        self._calibrated, self._front_end, self._done = calibrated, front_end, calibrated is None

    def __call__(self, _frame: FusedFrame) -> None:
        """Compare, if that has not been done and an infrared frame has come."""
        if self._done or (here := self._front_end()) is None:
            return
        self._done = True
        if warning := front_end_warning(here, self._calibrated):
            Console(stderr=True).print(f"[yellow]warning:[/] {warning}", soft_wrap=True, highlight=False)
            log_event("front end", level=logging.WARNING, trouble=warning)


def front_end_warning(here: FrontEnd, calibrated: FrontEnd | None) -> str:
    """Say what a rig does to infrared pictures that the model's calibration did not do; empty where they agree."""
    if calibrated is None or not (unlike := here.unlike(calibrated)):
        return ""
    return (
        f"the infrared front end differs: {', '.join(unlike)}; INT8 ranges may not fit, so use the same settings, "
        "or calibrate on a recording of this rig."
    )
