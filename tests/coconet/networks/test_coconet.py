from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as f

from coconet.networks.coconet import ChannelAttention, CoCoNet, Normalization

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def network() -> CoCoNet:
    torch.manual_seed(0)
    net = CoCoNet().eval()
    for layer in net.modules():
        if isinstance(layer, Normalization):  # fresh statistics are 0 and 1: a network that ignored them would pass
            assert layer.running_mean is not None
            assert layer.running_var is not None
            layer.running_mean.normal_(0.0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
        if isinstance(layer, ChannelAttention):
            layer.gamma.data.fill_(0.7)
    return net


def images(batch: int = 1, height: int = 32, width: int = 48) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    visible, infrared = torch.rand(2, batch, 1, height, width, generator=generator) * 2 - 1
    return visible, infrared


def by_the_table(s: State, visible: Tensor, infrared: Tensor) -> Tensor:
    """The forward pass written out once more, from the published wiring, with functions and names of tensors only."""

    def conv(name: str, x: Tensor) -> Tensor:
        weight = s[f"{name}.weight"]
        return f.conv2d(x, weight, s[f"{name}.bias"], padding=weight.shape[-1] // 2)

    def block(place: str, x: Tensor) -> Tensor:
        x, n = f.leaky_relu(conv(f"conv{place}", x), 0.2), f"bn{place}"
        return f.batch_norm(x, s[f"{n}.running_mean"], s[f"{n}.running_var"], s[f"{n}.weight"], s[f"{n}.bias"])

    def cam(width: int, x: Tensor) -> Tensor:
        q, k, v = (conv(f"se_{width}.conv_{i}", x) for i in (1, 2, 3))
        energy = torch.einsum("bchw,bdhw->bcd", q, k)
        attention = torch.softmax(energy.max(-1, keepdim=True).values - energy, -1)
        return s[f"se_{width}.gamma"] * torch.einsum("bcd,bdhw->bchw", attention, v) + v

    def vgg(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = conv("vgg19.slice1.0", x).relu()
        v1 = conv("vgg19.slice1.3", f.max_pool2d(x, 2)).relu()
        v2 = conv("vgg19.slice2.8", conv("vgg19.slice2.6", f.max_pool2d(v1, 2)).relu()).relu()
        v3 = f.max_pool2d(v2, 2)
        for index in (11, 13, 15, 17):
            v3 = conv(f"vgg19.slice3.{index}", v3).relu()
        return v1, v2, v3

    def up(x: Tensor) -> Tensor:
        return f.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)

    (i1, i2, i3), (v1, v2, v3) = vgg(infrared), vgg(visible)
    c1 = block("1_2", block("1_1", torch.cat([visible, infrared], 1)))
    c2 = block("2_2", block("2_1", f.max_pool2d(c1, 2)))
    c3 = block("3_2", block("3_1", f.max_pool2d(c2, 2)))
    c4 = block("4_1", f.max_pool2d(c3, 2))
    f4 = block("4_2", conv("deconv4", torch.cat([cam(256, c4), cam(256, i3), cam(256, v3)], 1)))
    a7 = conv("att_deconv7", torch.cat([cam(128, c3), cam(128, i2), cam(128, v2)], 1))
    d7 = block("7_2", block("7_1", torch.cat([conv("deconv6", up(f4)), a7], 1)))
    a8 = conv("att_deconv8", torch.cat([cam(64, c2), cam(64, i1), cam(64, v1)], 1))
    d8 = block("8_2", block("8_1", torch.cat([conv("deconv7", up(d7)), a8], 1)))
    d9 = block("9_1", torch.cat([conv("deconv8", up(d8)), c1], 1))
    return torch.tanh(conv("conv10", f.leaky_relu(conv("conv9_2", d9), 0.2)))


def test_it_follows_the_published_wiring(network: CoCoNet) -> None:
    visible, infrared = images()
    with torch.no_grad():
        torch.testing.assert_close(
            network(visible, infrared), by_the_table(network.state_dict(), visible, infrared), atol=1e-5, rtol=1e-5
        )


def test_it_has_the_published_tensors_and_parameters() -> None:
    network = CoCoNet()
    trained = [p for name, p in network.named_parameters() if not name.startswith("vgg19")]
    assert len(network.state_dict()) == 153
    assert sum(p.numel() for p in network.parameters()) == 9_169_605
    assert sum(p.numel() for p in trained) == 6_845_189
    assert network.state_dict()["deconv4.weight"].shape == (256, 768, 3, 3)


def test_the_order_of_the_two_images_matters(network: CoCoNet) -> None:
    visible, infrared = images()
    with torch.no_grad():
        assert not torch.allclose(network(visible, infrared), network(infrared, visible), atol=1e-3)


def test_image_statistics_equal_batchnorm_in_training_mode_on_one_image() -> None:
    torch.manual_seed(2)
    layer, image = Normalization(4), torch.randn(1, 4, 6, 5) * 3 + 1
    torch.nn.init.uniform_(layer.weight)
    wanted = layer.train()(image)
    layer.eval().per_image = True
    torch.testing.assert_close(layer(image), wanted, atol=1e-5, rtol=1e-5)


def test_image_statistics_make_every_image_of_a_batch_independent(network: CoCoNet) -> None:
    twin = CoCoNet().eval()
    twin.load_state_dict(network.state_dict())
    twin.use_image_statistics()
    visible, infrared = images(batch=2)
    with torch.no_grad():
        together, alone = twin(visible, infrared), twin(visible[1:], infrared[1:])
    torch.testing.assert_close(together[1:], alone, atol=1e-4, rtol=1e-4)


def test_attention_prefers_the_channel_that_resembles_least() -> None:
    torch.manual_seed(3)
    attention, x = ChannelAttention(3).eval(), torch.randn(1, 3, 4, 5)
    attention.gamma.data.fill_(0.5)
    q, k, v = (conv(x)[0].flatten(1) for conv in (attention.conv_1, attention.conv_2, attention.conv_3))
    expected = torch.empty_like(v)
    for row in range(3):
        energies = torch.stack([(q[row] * k[column]).sum() for column in range(3)])
        weights = torch.softmax(-energies, 0)
        expected[row] = v[row] + 0.5 * sum(w * value for w, value in zip(weights, v, strict=True))
    torch.testing.assert_close(attention(x)[0].flatten(1), expected, atol=1e-5, rtol=1e-5)


def test_a_closed_gate_may_skip_the_attention_and_an_open_one_may_not() -> None:
    torch.manual_seed(4)
    network, (visible, infrared) = CoCoNet().eval(), images()
    network.se_64.gamma.data.fill_(0.3)
    with torch.no_grad():
        wanted = network(visible, infrared)
        network.skip_closed_attention()
        torch.testing.assert_close(network(visible, infrared), wanted)
    assert (network.se_64.gated_off, network.se_128.gated_off) == (False, True)
