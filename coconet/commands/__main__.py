"""The entry of the command line: signals end every command in order, from before anything heavy is imported."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread, current_thread, main_thread
from threading import enumerate as running_threads
from types import CodeType, FrameType
from typing import TypeVar

from coconet.installation.garbage import leave_garbage, put_off_garbage
from coconet.progress.board import command_under_way

STOPPED = 130
"""The exit code of a command that was to make one thing and was stopped before: 128 and the number of SIGINT."""

LIVE = frozenset({"run", "record", "demo", "soak", "audience", "serve", "ros"})
"""Commands that end by being stopped: what they have made until then is their result, and their exit code is 0."""

LASTING = LIVE | {"batch"}
"""Commands that may run for hours or weeks: what they keep of memory is bounded."""

IDLE_SLEEPS = ("OPENBLAS_THREAD_TIMEOUT", "4")
"""What lets the threads of NumPy's OpenBLAS sleep while they have nothing to do; the number is the power of two of the
cycles for which they keep a core busy before, 26 by default, which each of them does as soon as NumPy is imported."""

NO_PLUGINS = ("PYDANTIC_DISABLE_PLUGINS", "__all__")
"""What lets pydantic, which checks what users write, not ask every package that is installed whether it is a plugin."""

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")

_ENDING = "ending"  # the name of the thread that ends the process in time

_GRACE_S = 1.5  # for what is under way in Python to clean up; native code that does not return is left then


_STDERR = 2

_CALLED_BY_NATIVE_CODE: set[CodeType] = set()

_LOOKS_S = 0.05  # how often to try again while native code calls us

Called = TypeVar("Called", bound=Callable[..., object])


class Stopped(BaseException):
    """A signal asks the command to end; raised in the main thread, so that every block on the way out cleans up."""


def called_by_native_code(function: Called) -> Called:
    """Decorate a function that native code calls: a signal that comes meanwhile raises Stopped only once it returns.

    An exception must not travel through native code, which would report it as an error of its own.
    """
    _CALLED_BY_NATIVE_CODE.add(function.__code__)
    return function


@contextmanager
def ended_by_signals(command: str) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP alike end the block: by Stopped, or, after a while in native code, the process.

    A signal that this process ignores stays ignored. A command that hears signals itself, within its own block
    (coconet.runtime.threads.stop_signals), is left to do so. Ends with exit code 0 for the commands in LIVE, else 130.
    """
    code = 0 if command in LIVE else STOPPED
    ours = {number for name in _NAMES if (number := getattr(signal, name, None)) is not None}
    ours = {number for number in ours if signal.getsignal(number) not in (signal.SIG_IGN, None)}
    if current_thread() is not main_thread() or any(isinstance(signal.getsignal(number), _Ending) for number in ours):
        yield
        return
    heard, told = socket.socketpair()
    told.setblocking(False)
    over, ending = Event(), _Ending()
    Thread(target=_end_in_time, args=(heard, frozenset(ours), over, code, ending), name=_ENDING, daemon=True).start()
    before_fd = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, ending) for number in ours}
    _leave_forks_alone(ours, over)
    before_hook, sys.unraisablehook = sys.unraisablehook, _say_nothing_of_stopping(sys.unraisablehook)
    try:
        yield
        over.set()
    except BaseException as error:
        if not (ending.asked or isinstance(error, Stopped)):
            over.set()
            raise
        print("stopped", file=sys.stderr)  # also of what a library that was being imported has made of Stopped
        sys.exit(code)  # the thread stays: other threads may not end by themselves
    finally:
        if over.is_set():
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before_fd)
            sys.unraisablehook = before_hook
            told.close()


class _Ending:
    """Called in the main thread at each signal: raises Stopped at the first one, and leaves the way out alone then.

    asked: whether a signal has come. deferred: the one that came while native code called us, and is to come again.
    """

    def __init__(self) -> None:
        self.asked = self._raised = False
        self.deferred: int | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        if self._raised:
            return
        while frame is not None:
            if frame.f_code in _CALLED_BY_NATIVE_CODE:
                self.deferred = number
                return
            frame = frame.f_back
        self._raised = True
        raise Stopped


def _leave_forks_alone(ours: set[int], over: Event) -> None:
    """Let signals end a process that a library forks off as they do by themselves: it has none of our blocks.

    Otherwise it would write a traceback, and what it hears would reach this process through the socket they share.
    """

    def forget() -> None:
        if not over.is_set():
            signal.set_wakeup_fd(-1)
            for number in ours:
                signal.signal(number, signal.SIG_DFL)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget)


def asked_to_end() -> bool:
    """Whether a signal has asked this process to end: an exception that comes then may be what became of Stopped.

    A library that is being imported makes it an ImportError, as if it were not installed.
    """
    handlers = (signal.getsignal(number) for name in _NAMES if (number := getattr(signal, name, None)) is not None)
    return any(isinstance(handler, _Ending) and handler.asked for handler in handlers)


def _say_nothing_of_stopping(hook: Callable[[sys.UnraisableHookArgs], object]) -> Callable[..., object]:
    """What is told of an exception that cannot go on from where it came up, such as a destructor: Stopped is no fault.

    The process ends a little later then, by the thread.
    """

    def tell(fault: sys.UnraisableHookArgs) -> None:
        if not issubclass(fault.exc_type, Stopped):
            hook(fault)

    return tell


def _end_in_time(heard: socket.socket, ours: frozenset[int], over: Event, code: int, ending: _Ending) -> None:
    """End the process if the main thread has not done so a while after a signal, leaving nothing half-written."""

    def goes_on() -> bool:
        for _ in range(round(_GRACE_S / _LOOKS_S)):
            if over.wait(_LOOKS_S):
                return False
            number, ending.deferred = ending.deferred, None
            if number is not None:
                signal.raise_signal(number)  # the main thread hears it
        return True

    with heard:
        while received := heard.recv(64):
            if ours.intersection(received) and goes_on():
                files = sys.modules.get("coconet.files")  # an import could wait for the main thread
                if files is not None:
                    files.remove_scratch()
                _say_stopped()
                os._exit(code)


def _say_stopped() -> None:
    """Say that the command ends, below a bar that cannot be taken away any more, and show the cursor that it hid."""
    has_bars = "coconet.progress.bars" in sys.modules and os.isatty(_STDERR)
    with suppress(OSError):
        os.write(_STDERR, b"\r\x1b[2K\x1b[?25hstopped\n" if has_bars else b"stopped\n")


def occupy_closed_streams() -> None:
    """Let nothing that is opened later take the number of a standard stream that this process was started without.

    A video would have the number of stderr, and libraries write there. Without stderr, nobody is told anything.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= _STDERR:  # it takes the lowest number that is free
        pass
    os.close(number)
    if sys.stderr is None:
        sys.stderr = os.fdopen(_STDERR, "w", encoding="utf-8", closefd=False)


def main() -> None:
    """Run the command line; the console script of setup.py."""
    occupy_closed_streams()
    put_off_garbage()  # until coconet.cli has loaded the command
    os.environ.setdefault(*IDLE_SLEEPS)
    os.environ.setdefault(*NO_PLUGINS)
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command in LASTING:
        from coconet.installation.malloc_arenas import bound_arenas

        bound_arenas()  # before the first thread, which is the one below
    try:
        with suppress(ValueError):  # not the main thread
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                signal.signal(signal.SIGINT, signal.SIG_DFL)  # before and after the block: no traceback of Python's
        with ended_by_signals(command), command_under_way(command, live=command in LIVE):
            from coconet.cli import main as run_command

            run_command(asked_to_end)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            _leave_stuck_threads(end.code or 0)
        raise
    finally:
        leave_garbage()


def _leave_stuck_threads(code: int) -> None:
    """End the process here if a daemon thread is stuck in a library, such as FFmpeg that waits for a silent camera.

    The interpreter's own end would take away, under such a thread, what its library still calls: the process crashes,
    and its exit code is lost. Whatever is to be closed at the end is closed before. Returns if nothing is stuck.
    """
    threads = [thread for thread in running_threads() if thread is not main_thread() and thread.name != _ENDING]
    if not threads or not all(thread.daemon for thread in threads):
        return
    atexit._run_exitfuncs()  # asks our own threads to end, and waits for them a while
    if any(thread.is_alive() for thread in threads):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
