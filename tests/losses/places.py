"""Vectors of images and of the places of their maps, as the views that tests of losses deal out to processes."""

import torch
from torch import Tensor, nn


class OfPlaces(nn.Module):
    """A loss of vectors `[B, D]` and places `[B, M, D]` as one of M + 1 views `[B, D]`."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, vectors: Tensor, *places: Tensor) -> Tensor:
        value: Tensor = self.loss(vectors, torch.stack(places, dim=1))
        return value
