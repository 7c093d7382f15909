from __future__ import annotations

import pytest
import torch

from coconet.networks.checkpoint import network_named
from coconet.training.crops import fuse_crops


@pytest.mark.parametrize("network", ["coconet", "lite"])
def test_a_core_is_driven_in_its_own_ranges(network: str) -> None:
    known = network_named(network)
    core, signature = known.build(), known.signature
    core.eval()
    visible, infrared = torch.rand(2, 1, 1, 16, 16)
    (low, high), (least, most) = signature.input_range, signature.output_range
    with torch.no_grad():
        wanted = core(low + visible * (high - low), low + infrared * (high - low))
        fused = fuse_crops(core, signature, visible, infrared)
    assert fused.dtype == torch.float32
    torch.testing.assert_close(fused, (wanted - least) / (most - least), atol=0.02, rtol=0.02)
