"""What holds for every method whose loss is that of two views' projections."""

from typing import Any

import torch

from tests.methods.toy import toy_batch, toy_method


def assert_loss_is_of_projections(name: str, *rest: torch.Tensor, **options: Any) -> Any:
    """The method's loss is its `loss` of encoder and projection head, with a gradient for every parameter."""
    method: Any = toy_method(name, **options).double()
    batch = toy_batch(list(range(len(rest[0]) if rest else 6)), method.views)
    batch = batch._replace(views=tuple(view.double() for view in batch.views))
    if rest:
        batch = batch._replace(labels=rest[0])
    projections = [method.projection_head(method.encoder(view)) for view in batch.views]
    loss = method.training_loss(batch)
    torch.testing.assert_close(loss, method.loss(*projections, *rest), rtol=1e-10, atol=1e-12)
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.parameters())
    return method
