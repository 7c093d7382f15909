from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional

from coconet.export.fp16_range import NarrowConvolutions


def _noting(seen: list[torch.dtype]) -> Callable[..., torch.Tensor]:
    to = torch.Tensor.to

    def noting(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        seen.append(tensor.dtype)
        return to(tensor, dtype)

    return noting


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("inference", [False, True])
@pytest.mark.parametrize("stride", [1, 2])
def test_sums_are_those_of_single_precision_rounded_once(
    stride: int, inference: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(1, 8, 9, 11, generator=generator).to(dtype)
    weight, bias = torch.randn(4, 8, 3, 3, generator=generator).to(dtype), torch.randn(4, generator=generator).to(dtype)
    wanted = functional.conv2d(image.float(), weight.float(), bias.float(), stride=stride, padding=1).to(dtype)
    seen: list[torch.dtype] = []
    monkeypatch.setattr(torch.Tensor, "to", _noting(seen))
    with torch.inference_mode(inference), NarrowConvolutions():
        found = functional.conv2d(image, weight, bias, stride=stride, padding=1)
    assert found.dtype == dtype
    assert torch.equal(found, wanted)
    assert seen == [torch.float32]  # it was computed in single precision


def test_what_is_too_large_for_half_precision_becomes_infinite() -> None:
    image = torch.full((1, 1, 3, 3), 300.0)
    weight = torch.full((1, 1, 3, 3), 300.0)
    with NarrowConvolutions():
        assert functional.conv2d(image.half(), weight.half()).isinf().all()
        assert functional.conv2d(image, weight).item() == 9 * 300.0**2
