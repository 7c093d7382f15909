"""Models compiled for the sizes that come: at once for the first, beside the others for what comes again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from threading import Event

import pytest

from coconet.runtime.backends.openvino.sized_models import KEPT, SizedModels
from tests.support.programs.patience import PATIENCE_S

Made = list[Mapping[str, tuple[int, ...]] | None]


class Compiler:
    """Gives a model's shapes in its place, and notes what was compiled. May be held up, or fail for a size."""

    def __init__(self) -> None:
        self.made: Made = []
        self.goes_on, self.fails = Event(), False
        self.goes_on.set()

    def __call__(self, shapes: Mapping[str, tuple[int, ...]] | None) -> str:
        if shapes is not None and self.made:
            assert self.goes_on.wait(60)
        if shapes is not None and self.fails:
            raise RuntimeError("no such kernel")
        self.made.append(shapes)
        return "open" if shapes is None else str(shapes["x"][0])


@pytest.fixture
def compiler() -> Iterator[Compiler]:
    compiler = Compiler()
    yield compiler
    compiler.goes_on.set()


def wait_until(condition: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until_s
        time.sleep(0.005)


def asked(models: SizedModels, size: int) -> str:
    return str(models.request_for({"x": (size,)}))


def test_the_first_size_is_compiled_at_once_and_alone(compiler: Compiler) -> None:
    models = SizedModels(compiler)
    assert [asked(models, 1), asked(models, 1)] == ["1", "1"]
    assert compiler.made == [{"x": (1,)}]


def test_sizes_that_come_once_share_the_open_model(compiler: Compiler) -> None:
    models = SizedModels(compiler)
    assert [asked(models, size) for size in (1, 2, 3, 4, 1)] == ["1", "open", "open", "open", "1"]
    assert compiler.made == [{"x": (1,)}, None]


def test_a_size_that_comes_again_waits_for_nothing(compiler: Compiler) -> None:
    models = SizedModels(compiler)
    asked(models, 1)
    compiler.goes_on.clear()
    assert [asked(models, 2) for _ in range(5)] == ["open"] * 5
    compiler.goes_on.set()
    wait_until(lambda: asked(models, 2) == "2")
    assert compiler.made.count({"x": (2,)}) == 1


def test_few_sizes_are_kept_the_latest_used(compiler: Compiler) -> None:
    models = SizedModels(compiler)
    for size in range(1, KEPT + 2):
        for_itself = str(size)
        while asked(models, size) != for_itself:
            time.sleep(0.005)
    assert models.sizes == [(("x", (size,)),) for size in range(2, KEPT + 2)]


def test_what_cannot_be_compiled_beside_is_said_once_and_stays_open(
    compiler: Compiler, capsys: pytest.CaptureFixture[str]
) -> None:
    models = SizedModels(compiler)
    asked(models, 1)
    compiler.fails = True
    said: list[str] = []

    def is_said() -> bool:
        said.append(capsys.readouterr().err)
        return "no such kernel" in "".join(said)

    assert [asked(models, 2), asked(models, 2)] == ["open", "open"]
    wait_until(is_said)
    assert [asked(models, 2), asked(models, 2)] == ["open", "open"]
    assert compiler.made == [{"x": (1,)}, None]


def test_closing_waits_for_what_is_being_compiled_and_happens_twice(compiler: Compiler) -> None:
    models = SizedModels(compiler)
    for size in (1, 2, 2):
        asked(models, size)
    models.close()
    models.close()
    assert models.sizes == []
