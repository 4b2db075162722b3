"""A method that csl does not know: what a user's own file holds, and that nothing else is needed."""

from typing import Any

import torch
from lightly.models.modules.heads import SimSiamPredictionHead, SimSiamProjectionHead
from torch import Tensor
from torch.nn.functional import cosine_similarity

from csl.encoders import ConvNet, Encoder
from csl.methods import Method, Optimization
from csl.types import Batch, Features
from tests.methods.toy import ToyData, toy_trainer


class SimSiam(Method):
    """Exploring Simple Siamese Representation Learning, 2020, arXiv 2011.10566."""

    def __init__(
        self,
        encoder: Encoder,
        hidden_dim: int = 2048,
        optimization: Optimization = Optimization("sgd", lr=0.5, weight_decay=1e-5),  # noqa: B008
    ) -> None:
        super().__init__(encoder, optimization)
        self.projection_head = SimSiamProjectionHead(encoder.feature_dim, hidden_dim, hidden_dim)
        self.prediction_head = SimSiamPredictionHead(hidden_dim, hidden_dim // 4, hidden_dim)

    def training_loss(self, batch: Batch) -> Tensor:
        first, second = (self.projection_head(self.encoder(view)) for view in batch.views)
        return (self._loss(first, second) + self._loss(second, first)) / 2

    def _loss(self, projection: Tensor, target: Tensor) -> Tensor:
        return -cosine_similarity(self.prediction_head(projection), target.detach()).mean()


def test_it_trains_and_is_measured() -> None:
    torch.manual_seed(0)
    method = SimSiam(ConvNet(width=2), hidden_dim=16)
    trainer = toy_trainer(max_epochs=2, limit_val_batches=1.0)
    kept: list[Any] = []
    method.on_validation_batch_end = lambda outputs, *_: kept.append(outputs)  # type: ignore[method-assign]
    before = method.encoder.state_dict()["layers.0.0.weight"].clone()
    trainer.fit(method, datamodule=ToyData())
    assert not torch.equal(method.encoder.state_dict()["layers.0.0.weight"], before)
    assert -1.0 <= float(trainer.callback_metrics["train/loss"]) <= 1.0
    assert all(isinstance(outputs["encoder"], Features) for outputs in kept)
    assert len(kept) == 2 * (4 + 2)
