"""Several processes compute what one does: losses, gradients, statistics, queues and whole fits."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor

from csl import distributed
from csl.methods import Method
from csl.methods.step import as_step
from csl.modules import synchronize_batch_norm
from csl.types import Batch
from tests.methods.toy import EVERY, METHODS, ToyData, toy_batch, toy_method, toy_trainer, weights
from tests.promises.processes import as_a_rank, measured, one_step, step_and_measured
from tests.two_processes import TwoProcesses

# In float32 the order of a sum shows in the fourth digit of some weights after eight steps.
DOUBLE: dict[str, Any] = {"precision": "64-true", "limit_val_batches": 1.0}
Result = tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]


def _step(method: Method, batch: Batch) -> Result:
    """Loss, gradients and batch-norm statistics of one batch, averaged over processes as DDP does."""
    group = distributed.world()
    loss = as_step(method.training_loss(batch)).loss
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
    batch = toy_batch(list(range(12))[distributed.shard(12, group)], method.views)
    return _step(method, batch._replace(views=tuple(view.to(dtype) for view in batch.views)))


@pytest.mark.full
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("name", METHODS)
def test_gradients_of_two_half_batches_equal_one_whole_batchs(
    two_processes: TwoProcesses, name: str, dtype: torch.dtype, tolerance: float
) -> None:
    method = toy_method(name).to(dtype)
    batch = toy_batch(list(range(12)), method.views)
    expected = _step(method, batch._replace(views=tuple(view.to(dtype) for view in batch.views)))
    for result in two_processes(_half_a_batch, name, dtype):
        torch.testing.assert_close(result, expected, rtol=tolerance, atol=tolerance)


@contextmanager
def _among_two() -> Iterator[dict[str, Any]]:
    """The options of a trainer in which this process is one of two that Lightning did not start."""
    group = distributed.world()
    rank = str(distributed.rank(group))
    environment = {"LOCAL_RANK": rank, "NODE_RANK": "0", "WORLD_SIZE": str(distributed.size(group)), "RANK": rank}
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        yield {"devices": 2, "strategy": "ddp", "use_distributed_sampler": True}
    finally:
        os.environ.clear()
        os.environ.update(before)


def _fit(name: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    with _among_two() as options:
        return _fitted(name, toy_trainer(**options, **DOUBLE))


def _fitted(name: str, trainer: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    method = toy_method(name)
    trainer.fit(method, datamodule=ToyData(method.views))
    state = weights(method)
    for name in [name for name in state if "queue" in name and name.endswith("features")]:
        # Processes take turns in the data's order, so that a step's keys stand in another order.
        state[name] = state[name][state[name][:, 0].argsort()]
    return state, {"train/loss": trainer.callback_metrics["train/loss"]}


@pytest.mark.full
@pytest.mark.parametrize("name", METHODS)
def test_fit_on_two_processes_equals_one(two_processes: TwoProcesses, name: str) -> None:
    (first, first_log), (second, second_log) = two_processes(_fit, name)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    torch.testing.assert_close(first_log, second_log, rtol=0, atol=0)
    expected, expected_log = _fitted(name, toy_trainer(**DOUBLE))
    torch.testing.assert_close(first, expected, rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(first_log, expected_log, rtol=1e-7, atol=1e-9)


def _fit_in_single(name: str) -> dict[str, Tensor]:
    with _among_two() as options:
        return _fitted(name, toy_trainer(**options, limit_val_batches=1.0))[0]


@pytest.mark.parametrize("name", ["SimCLR"])
def test_in_float32_a_fit_on_two_processes_drifts_from_one_but_not_far(two_processes: TwoProcesses, name: str) -> None:
    first, second = two_processes(_fit_in_single, name)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    expected, _ = _fitted(name, toy_trainer(limit_val_batches=1.0))
    torch.testing.assert_close(first, expected, rtol=1e-2, atol=1e-3)
    assert any(not torch.equal(first[key], expected[key]) for key in expected), "then the promise can be made stronger"


class _Meetings(Callback):
    """The steps, from 1, in which processes wait for each other: at a barrier, for counts, or to reduce a scalar."""

    def __init__(self) -> None:
        self.step = 0
        self.found: set[tuple[int, str]] = set()

    def on_train_batch_start(self, *_: Any) -> None:
        self.step += 1

    def noted(self, what: str, function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if what != "all_reduce" or args[0].numel() == 1:
                self.found.add((self.step, what))
            return function(*args, **kwargs)

        return call


def _meetings(name: str) -> set[tuple[int, str]]:
    method, meetings = toy_method(name), _Meetings()
    with _among_two() as options:
        trainer = toy_trainer(**options, max_epochs=1, log_every_n_steps=3, callbacks=[meetings])
        places = [(torch.distributed, "barrier"), (torch.distributed, "all_reduce"), (distributed, "row_counts")]
        with ExitStack() as stack:
            for place, what in places:
                stack.enter_context(patch.object(place, what, meetings.noted(what, getattr(place, what))))
            trainer.fit(method, datamodule=ToyData(method.views, count=64))
    return {(step, what) for step, what in meetings.found if 0 < step < 8}  # the last is followed by the fit's end


@pytest.mark.full
@pytest.mark.parametrize("name", METHODS)
def test_processes_exchange_scalars_at_log_steps_only(two_processes: TwoProcesses, name: str) -> None:
    for found in two_processes(_meetings, name):
        assert found == {(3, "all_reduce"), (6, "all_reduce")}


@pytest.mark.full
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", METHODS)
def test_two_processes_equal_one(
    two_processes: TwoProcesses, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    expected_step, expected_measures = one_step(name), measured(name)
    assert len(expected_measures) >= 16 - (name == "BYOL")
    for step, measures in two_processes(step_and_measured, name):
        assert step[2] == expected_step[2]
        torch.testing.assert_close(step[:2], expected_step[:2], rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(measures, expected_measures, rtol=1e-5, atol=1e-5, equal_nan=True)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", EVERY.keys() - METHODS.keys())
def test_two_processes_measure_what_one_does_where_nothing_is_trained(
    two_processes: TwoProcesses, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = measured(name)
    for measures in two_processes(as_a_rank, measured, name):
        torch.testing.assert_close(measures, expected, rtol=1e-5, atol=1e-5, equal_nan=True)
