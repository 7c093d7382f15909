"""Somebody's fusion network."""

import torch
from torch import Tensor, nn


class Strongest(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()
        )
        self.decoder = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 1, 3, padding=1))

    def forward(self, infrared: Tensor, visible: Tensor) -> Tensor:
        both = torch.maximum(self.encoder(infrared), self.encoder(visible))
        return torch.tanh(self.decoder(both))
