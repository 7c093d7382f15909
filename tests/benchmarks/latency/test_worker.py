"""A worker and Ctrl-C: the process that asks ends it, a signal to both does not."""

from __future__ import annotations

import multiprocessing
import os
import signal
from functools import partial

import pytest

from coconet.benchmarks.latency.worker import Worker, _serve, pictures
from coconet.errors import CoconetError
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX does")


def test_a_worker_does_not_hear_ctrl_c_and_the_process_that_asks_still_does() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Worker("average", partial(open_backend, "average")) as worker:
        os.kill(worker.pid, signal.SIGINT)
        worker.hold(synthetic_pairs(2, 48, 64))
        assert len(worker.ask(pictures)) == 2
    assert signal.getsignal(signal.SIGINT) is before


def test_a_refusal_that_is_waited_for_no_longer_ends_the_process_without_a_traceback() -> None:
    def refuse() -> Backend:
        raise CoconetError(
            "m.onnx", wanted="a model", got="a text", remedy="Name the right file.", says="is a text file"
        )

    here, theirs = multiprocessing.get_context("spawn").Pipe()
    here.close()
    _serve(theirs, refuse)
    theirs.close()
