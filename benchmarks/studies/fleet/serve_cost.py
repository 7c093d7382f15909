"""What serving a model costs beside fusing: processor time of a pair, pairs a second and the slowest answers.

python -m coconet.benchmarks.studies.fleet.serve_cost --pairs 48 --turns 7 --clients 1,4,16
python -m coconet.benchmarks.studies.fleet.serve_cost --model coconet --pairs 16 --turns 3

The server and the clients are processes of their own, and the backend fuses here by itself, in turns with them. Ratios
are of one turn each: their median, and the interval that holds the median of 95 of 100 such measurements. Seconds of
the processor are those of the kernel, of the server alone, whatever the clients do: a busy machine changes them little.
Pairs a second and the slowest answers are worth something on an idle machine only, beside clients that take a part of
it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from coconet.benchmarks.studies.fleet.turns import in_words
from coconet.installation.kernel_files import text_in
from coconet.media.pixels import Pixels
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.backends.remote.open_remote_model import open_remote_model
from coconet.runtime.backends.remote.server_address import ServerAddress
from coconet.runtime.serving.protocol.tensor_spec import TensorSpec
from coconet.terminal.console import Console

SIZE_PX = (480, 640)

FUSED = TensorSpec("fused", "UINT8", (1, -1, -1, 3))

_PATIENT_S = 60.0

SERVER = "from coconet.commands.__main__ import main; main()"

CLIENT = (
    "import sys; from coconet.benchmarks.studies.fleet.serve_cost import ask; "
    "ask(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))"
)


def noise() -> list[tuple[Pixels, Pixels]]:
    """Pairs of noise, the same ones every time: enough that none is left in a cache, as none is of a camera."""
    levels = np.random.default_rng(0)
    sizes = (*SIZE_PX, 3), (*SIZE_PX, 1)
    return [
        (levels.integers(0, 256, sizes[0], np.uint8), levels.integers(0, 256, sizes[1], np.uint8)) for _ in range(8)
    ]


def ask(server: str, pairs: int, clients: int) -> None:
    """Ask for `pairs` pictures over `clients` connections, and print pairs a second and the 99th percentile in ms."""
    frames = cycle([{"visible": visible[None], "infrared": infrared[None]} for visible, infrared in noise()])

    def one_client(_number: int) -> list[float]:
        with closing(open_remote_model(ServerAddress.parse(server))) as model:
            each = range(pairs // clients)
            return [_timed(lambda: model.infer(next(frames), _PATIENT_S, None, FUSED)) for _ in each]

    begun_s = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        taken = np.concatenate(list(pool.map(one_client, range(clients))))
    sys.stdout.write(json.dumps([len(taken) / (time.perf_counter() - begun_s), np.percentile(taken, 99) * 1e3]))


def _timed(work: Callable[[], object]) -> float:
    begun_s = time.perf_counter()
    work()
    return time.perf_counter() - begun_s


def processor_s(pid: int) -> float:
    """What all living threads of a process have used of the processor, in seconds, to the nanosecond. Linux only."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int(text_in(thread / "schedstat").split()[0]) for thread in threads) / 1e9


@dataclass(frozen=True)
class Turn:
    """A pair served and one fused by itself, one after the other: ms of the processor, pairs a second, the slowest."""

    served_ms: float
    bare_ms: float
    served_fps: float
    bare_fps: float
    slow_ms: float

    @property
    def ratio(self) -> float:
        """Of what a pair costs the processor by itself to what it costs served."""
        return self.bare_ms / self.served_ms

    @property
    def clock_ratio(self) -> float:
        """Of pairs a second."""
        return self.served_fps / self.bare_fps

    def to_text(self) -> str:
        """Half a line: a large model takes minutes for a turn, and a run that is ended early has told of these."""
        served = f"{self.served_ms:.1f} ms of the processor, {self.ratio:.3f} of it fusing"
        rate = f"{self.served_fps:.2f} pairs/s, {self.clock_ratio:.3f} of the backend's"
        return f"{served}; {rate}; p99 {self.slow_ms:.0f} ms"


def main(
    pairs: Annotated[int, typer.Option("--pairs", min=16, help="Of each turn.")] = 48,
    turns: Annotated[int, typer.Option("--turns", min=1, help="Of each number of clients.")] = 7,
    clients: Annotated[str, typer.Option("--clients", help="How many, one measurement each.")] = "1,4,16",
    model: Annotated[str, typer.Option("--model", help="As for serve.")] = "lite",
) -> None:
    """Measure, and print a table."""
    counts = [int(count) for count in clients.split(",")]
    found: dict[tuple[str, int], list[Turn]] = {}
    with closing(open_backend(model)) as backend, serving(model) as (pid, addresses):
        backend.fuse(*noise()[0])
        for number in range(turns):
            for scheme, address in addresses.items():
                for count in counts:
                    turn = _turn(backend, pid, address, pairs, count)
                    found.setdefault((scheme, count), []).append(turn)
                    sys.stderr.write(f"turn {number + 1} of {turns}, {scheme}, {count}: {turn.to_text()}\n")
    table = Table(title=f"{model}, {SIZE_PX[1]}x{SIZE_PX[0]}, {turns} turns of {pairs} pairs; median (95 %)")
    for head in ("asked by", "clients", "ms", "bare", "ratio", "pairs/s", "bare", "ratio", "p99 ms"):
        table.add_column(head, justify="right")
    for (scheme, count), some in found.items():
        served, bare, fps, bare_fps, slow = (
            f"{median(getattr(one, name) for one in some):.1f}"
            for name in ("served_ms", "bare_ms", "served_fps", "bare_fps", "slow_ms")
        )
        ratio, clock = in_words([one.ratio for one in some]), in_words([one.clock_ratio for one in some])
        table.add_row(scheme, str(count), served, bare, ratio, fps, bare_fps, clock, slow)
    Console(width=120).print(table)


def _turn(backend: Backend, pid: int, address: str, pairs: int, clients: int) -> Turn:
    frames = list(islice(cycle(noise()), pairs))
    used_s, begun_s = time.process_time(), time.perf_counter()
    for visible, infrared in frames:
        backend.fuse(visible, infrared)
    bare_ms, bare_fps = (time.process_time() - used_s) / pairs * 1e3, pairs / (time.perf_counter() - begun_s)
    used_s = processor_s(pid)
    words = [sys.executable, "-c", CLIENT, address, str(pairs), str(clients)]
    told = subprocess.run(words, check=True, capture_output=True, timeout=3600).stdout  # noqa: S603 - our own module
    served_ms, (fps, slow_ms) = (processor_s(pid) - used_s) / pairs * 1e3, json.loads(told)
    return Turn(served_ms, bare_ms, fps, bare_fps, slow_ms)


@contextmanager
def serving(model: str) -> Iterator[tuple[int, dict[str, str]]]:
    """A server inside the block: its process, and its addresses by their schemes."""
    ports = ("--port", "0", "--grpc-port", "0")
    words = [sys.executable, "-c", SERVER, "serve", model, *ports, "--deadline-ms", "60000"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        found: dict[str, str] = {}
        try:
            for line in process.stderr or ():
                if "://" in line:
                    address = line.strip().replace("/v2/models", "")
                    found[address.partition(":")[0]] = address
                if len(found) == 2:
                    break
            yield process.pid, found
        finally:
            process.terminate()


if __name__ == "__main__":
    typer.run(main)
