"""The share of the processor time that this process asks for and gets: less than all of it on a loaded machine."""

from __future__ import annotations

from pathlib import Path

from coconet.installation.kernel_files import text_in

_LEAST = 0.01


class ProcessorShare:
    """Counts from its making on, over all threads that still run: time on a processor, and time in the queue for one.

    A thread that waits for something else, such as a camera, a lock or its turn in Python, is in no queue.
    """

    def __init__(self, tasks: Path = Path("/proc/self/task")) -> None:
        """Begin to count. tasks: in which the kernel has a folder for each thread, with its `schedstat`."""
        self._tasks = tasks
        self._before = self._times()

    def got(self) -> float:
        """The share up to now, above 0 and at most 1: 1 if nothing waited, and if the kernel does not say."""
        run_ns = wait_ns = 0
        for thread, (ran_ns, waited_ns) in self._times().items():
            before_ns = self._before.get(thread, (0, 0))
            run_ns += max(0, ran_ns - before_ns[0])
            wait_ns += max(0, waited_ns - before_ns[1])
        return max(_LEAST, run_ns / (run_ns + wait_ns)) if wait_ns else 1.0

    def _times(self) -> dict[str, tuple[int, int]]:
        found = {path.parent.name: text_in(path).split() for path in self._tasks.glob("*/schedstat")}
        return {thread: (int(times[0]), int(times[1])) for thread, times in found.items() if len(times) >= 2}
