"""The shipped networks on the processor, by ONNX Runtime and by OpenVINO, in turns on the same painted frames.

python -m benchmarks.cpu_backends
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing

from rich.console import Console
from rich.progress import Progress

from benchmarks.device import this_device
from benchmarks.measure import Effort, measure
from benchmarks.report import BenchReport
from coconet.errors import CoconetError
from runtime.backend import open_backend
from runtime.samples import painted_pairs

HEIGHT_PX, WIDTH_PX, REPEATS = 480, 640, 20


def main() -> int:
    """Measure and print one table, with ratios to the first row."""
    chosen = [(word, kind) for word in ("lite", "lite-int8") for kind in ("ort", "openvino")]
    try:
        with ExitStack() as stack:
            opened = [(word, stack.enter_context(closing(open_backend(word, kind)))) for word, kind in chosen]
            bar = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
            task = bar.add_task("measuring", total=len(opened) * REPEATS)
            pairs = painted_pairs(8, HEIGHT_PX, WIDTH_PX)
            found = measure(opened, pairs, Effort(repeats=REPEATS), lambda: bar.advance(task))
    except CoconetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    Console().print(BenchReport(this_device(), HEIGHT_PX, WIDTH_PX, tuple(found)).to_table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
