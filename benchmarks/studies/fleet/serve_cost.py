"""What serving a model costs beside fusing: processor time of a pair, pairs a second and the slowest answers.

python -m coconet.benchmarks.studies.fleet.serve_cost --pairs 100 --clients 1,4,16

The server and the clients are processes of their own, and the backend fuses here by itself, in turns with them.
Seconds of the processor are those of the kernel, of the server alone, whatever the clients do: a busy machine changes
them little. Pairs a second and the slowest answers are worth something on an idle machine only, beside clients that
take a part of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from coconet.installation.kernel_files import text_in
from coconet.media.pixels import Pixels
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.backends.remote.open_remote_model import open_remote_model
from coconet.runtime.backends.remote.server_address import ServerAddress
from coconet.runtime.serving.protocol.tensor_spec import TensorSpec
from coconet.terminal import Console

SIZE_PX = (480, 640)

FUSED = TensorSpec("fused", "UINT8", (1, -1, -1, 3))

_PATIENT_S = 60.0

SERVER = "from coconet.commands.__main__ import main; main()"

CLIENT = (
    "import sys; from coconet.benchmarks.studies.fleet.serve_cost import ask; "
    "ask(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))"
)


def noise() -> tuple[Pixels, Pixels]:
    """A pair of noise, the same one every time."""
    levels = np.random.default_rng(0)
    return levels.integers(0, 256, (*SIZE_PX, 3), np.uint8), levels.integers(0, 256, (*SIZE_PX, 1), np.uint8)


def ask(server: str, pairs: int, clients: int) -> None:
    """Ask for `pairs` pictures over `clients` connections, and print pairs a second and the 99th percentile in ms."""
    visible, infrared = noise()
    tensors = {"visible": visible[None], "infrared": infrared[None]}

    def one_client(_number: int) -> list[float]:
        with closing(open_remote_model(ServerAddress.parse(server))) as model:
            return [_timed(lambda: model.infer(tensors, _PATIENT_S, None, FUSED)) for _ in range(pairs // clients)]

    begun_s = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        taken = np.concatenate(list(pool.map(one_client, range(clients))))
    sys.stdout.write(json.dumps([len(taken) / (time.perf_counter() - begun_s), np.percentile(taken, 99) * 1e3]))


def _timed(work: Callable[[], object]) -> float:
    begun_s = time.perf_counter()
    work()
    return time.perf_counter() - begun_s


def processor_s(pid: int) -> float:
    """What a process has used of the processor, in seconds. Linux only."""
    fields = text_in(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(
    pairs: Annotated[int, typer.Option("--pairs", min=16, help="Of each measurement.")] = 96,
    clients: Annotated[str, typer.Option("--clients", help="How many, one measurement each.")] = "1,4,16",
    model: Annotated[str, typer.Option("--model", help="As for serve.")] = "lite",
) -> None:
    """Measure, and print a table."""
    table = Table(title=f"{model}, {SIZE_PX[1]}x{SIZE_PX[0]}, {pairs} pairs each")
    heads = ("asked by", "clients", "ms of the processor", "bare", "ratio", "pairs a second", "bare", "ratio", "p99 ms")
    for head in heads:
        table.add_column(head, justify="right")
    visible, infrared = noise()
    with closing(open_backend(model)) as backend, serving(model) as (pid, addresses):
        backend.fuse(visible, infrared)
        for scheme, address in addresses.items():
            for count in map(int, clients.split(",")):
                used_s, begun_s = time.process_time(), time.perf_counter()
                for _ in range(pairs):
                    backend.fuse(visible, infrared)
                bare_ms, bare_fps = (
                    (time.process_time() - used_s) / pairs * 1e3,
                    pairs / (time.perf_counter() - begun_s),
                )
                used_s = processor_s(pid)
                words = [sys.executable, "-c", CLIENT, address, str(pairs), str(count)]
                told = subprocess.run(  # noqa: S603 - our own module
                    words, check=True, capture_output=True, timeout=3600
                ).stdout
                served_ms, (fps, slow_ms) = (processor_s(pid) - used_s) / pairs * 1e3, json.loads(told)
                cells = (served_ms, bare_ms, bare_ms / served_ms, fps, bare_fps, fps / bare_fps, slow_ms)
                table.add_row(scheme, str(count), *(f"{value:.{2 if value < 3 else 1}f}" for value in cells))
    Console().print(table)


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
