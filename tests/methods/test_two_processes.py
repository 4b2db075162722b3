"""Several processes compute what one does: losses, gradients, statistics, queues and whole fits."""

import os
from typing import Any

import pytest
import torch
from torch import Tensor

from csl import distributed
from csl.methods import Method
from csl.modules import synchronize_batch_norm
from csl.types import Batch
from tests.methods.toy import METHODS, ToyData, toy_batch, toy_method, toy_trainer, weights
from tests.two_processes import TwoProcesses

Result = tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]


def _step(method: Method, batch: Batch) -> Result:
    """Loss, gradients and batch-norm statistics of one batch, averaged over processes as DDP does."""
    group = distributed.world()
    loss = method.training_loss(batch)
    loss.backward()  # type: ignore[no-untyped-call]
    share = 1 / distributed.size(group)
    grads = {
        name: distributed.all_reduce(p.grad, group) * share
        for name, p in method.named_parameters()
        if p.grad is not None
    }
    return distributed.all_reduce(loss.detach(), group) * share, grads, dict(method.named_buffers())


def _half_a_batch(name: str, dtype: torch.dtype) -> Result:
    group = distributed.world()
    method = toy_method(name).to(dtype)
    synchronize_batch_norm(method)
    batch = toy_batch(list(range(12))[distributed.shard(12, group)], method.num_views)
    return _step(method, batch._replace(views=tuple(view.to(dtype) for view in batch.views)))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("name", METHODS)
def test_gradients_of_two_half_batches_equal_one_whole_batchs(
    two_processes: TwoProcesses, name: str, dtype: torch.dtype, tolerance: float
) -> None:
    method = toy_method(name).to(dtype)
    batch = toy_batch(list(range(12)), method.num_views)
    expected = _step(method, batch._replace(views=tuple(view.to(dtype) for view in batch.views)))
    for result in two_processes(_half_a_batch, name, dtype):
        torch.testing.assert_close(result, expected, rtol=tolerance, atol=tolerance)


def _fit(name: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A fit in which this process is one of two that Lightning did not start."""
    group = distributed.world()
    rank = str(distributed.rank(group))
    environment = {"LOCAL_RANK": rank, "NODE_RANK": "0", "WORLD_SIZE": str(distributed.size(group)), "RANK": rank}
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        trainer = toy_trainer(devices=2, strategy="ddp", limit_val_batches=1.0, use_distributed_sampler=True)
        return _fitted(name, trainer)
    finally:
        os.environ.clear()
        os.environ.update(before)


def _fitted(name: str, trainer: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    method = toy_method(name)
    trainer.fit(method, datamodule=ToyData(method.num_views))
    state = weights(method)
    if "queue.features" in state:
        # Processes take turns in the data's order, so that a step's keys stand in another order.
        state["queue.features"] = state["queue.features"][state["queue.features"][:, 0].argsort()]
    return state, {"train/loss": trainer.callback_metrics["train/loss"]}


@pytest.mark.parametrize("name", METHODS)
def test_fit_on_two_processes_equals_one(two_processes: TwoProcesses, name: str) -> None:
    (first, first_log), (second, second_log) = two_processes(_fit, name)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    torch.testing.assert_close(first_log, second_log, rtol=0, atol=0)
    expected, expected_log = _fitted(name, toy_trainer(limit_val_batches=1.0))
    torch.testing.assert_close(first, expected, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(first_log, expected_log, rtol=1e-3, atol=1e-4)
