"""Loaders of one's own that know nothing of csl's records."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from csl.callbacks import FeatureCollector, NaNGuard, OrganizationMetrics
from csl.distributed import size, world
from csl.encoders import ConvNet
from csl.methods import Frozen, Method
from csl.methods.loaded import as_batch
from csl.types import RawBatch
from tests.callbacks.test_features import Recorder
from tests.methods.toy import toy_method, toy_trainer
from tests.promises.processes import as_a_rank
from tests.two_processes import TwoProcesses


def images(count: int = 32, dtype: torch.dtype = torch.float32) -> Tensor:
    levels = torch.randint(256, (count, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(count))
    return levels if dtype == torch.uint8 else levels.to(dtype) / 255


def pairs(count: int = 32, dtype: torch.dtype = torch.float32) -> DataLoader[Any]:
    return DataLoader(TensorDataset(images(count, dtype), torch.arange(count) % 3), batch_size=8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8])
def test_supervised_trains_on_images_with_labels_and_is_measured_on_them(dtype: torch.dtype) -> None:
    method, recorder = toy_method("Supervised"), Recorder()
    callbacks = [FeatureCollector(), OrganizationMetrics(), recorder, NaNGuard()]
    trainer = toy_trainer(max_epochs=1, limit_val_batches=1.0, callbacks=callbacks)
    trainer.fit(method, pairs(dtype=dtype), [pairs(dtype=dtype), pairs(11, dtype)])
    assert trainer.global_step == 4
    split = recorder.seen[0][1]["encoder"]
    assert split.train is not None
    assert split.train.index.tolist() == list(range(32))
    assert split.val.index.tolist() == list(range(11))
    assert split.val.labels.tolist() == [place % 3 for place in range(11)]
    method.eval()
    with torch.no_grad():
        expected = method.encoder(images(11))
    torch.testing.assert_close(split.val.values, expected)
    classifier = method.get_submodule("classifier")
    accuracy = (classifier(expected).argmax(1) == torch.arange(11) % 3).double().mean()
    assert trainer.callback_metrics["val/accuracy"].item() == pytest.approx(float(accuracy))


def test_views_in_a_list_train_a_method_that_wants_them() -> None:
    class Pairs(TensorDataset):
        def __getitem__(self, index: int) -> Any:
            return [self.tensors[0][index], self.tensors[0][index].flip(-1)], index % 3, f"{index}.png"

    trainer = toy_trainer(max_epochs=1)
    trainer.fit(toy_method("SimCLR"), DataLoader(Pairs(images()), batch_size=8))
    assert trainer.global_step == 4


def test_a_method_that_wants_views_says_what_is_missing() -> None:
    message = r"batch.views: expected 2 views for SimCLR, got 1: a loader of \(images, labels\) holds one view of each"
    with pytest.raises(ValueError, match=message):
        toy_trainer().fit(toy_method("SimCLR"), pairs())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"image": images(4)}, r"batch: expected a csl.types.Batch, \(images, labels\) or .*, got dict"),
        (images(4), r"batch: .*, got a tensor of float32 \[4, 3, 8, 8\]"),
        ((images(4)[0], torch.arange(3)), r"batch: .*, got a tuple of 2: a tensor of float32 \[3, 8, 8\], a tensor of"),
        (
            (images(4), torch.arange(3)),
            r"labels: expected .* one integer for each of 4 images, got a tensor of int64 \[3",
        ),
        ((images(4), torch.rand(4)), r"labels: expected class indices, .*, got a tensor of float32 \[4\]"),
        ((images(4), ["cat"] * 4), r"labels: expected class indices, .*, got a list of 4: str, str, str"),
    ],
)
def test_what_is_no_batch_is_refused_by_what_it_is(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_batch(given)


def test_a_raw_batch_keeps_its_index() -> None:
    batch = as_batch(RawBatch(images(4, torch.uint8), torch.arange(4), torch.tensor([7, 5, 3, 1])))
    assert batch.index.tolist() == [7, 5, 3, 1]
    torch.testing.assert_close(batch.views[0], images(4))


def test_a_frozen_encoder_is_measured_and_its_features_are_written_in_order() -> None:
    method = Frozen(ConvNet(width=2))
    predictions: Any = toy_trainer().predict(method, pairs(11))
    assert torch.cat([part.index for part in predictions]).tolist() == list(range(11))
    trainer = toy_trainer(limit_val_batches=1.0, callbacks=[FeatureCollector(), OrganizationMetrics()])
    trainer.validate(method, pairs(11), verbose=False)
    assert "val/rld_0.1" in trainer.callback_metrics


def _measured() -> tuple[list[int], list[int]]:
    recorder, method = Recorder(), Frozen(ConvNet(width=2))
    several: dict[str, Any] = {"devices": size(world()), "strategy": "ddp" if size(world()) > 1 else "auto"}
    trainer = toy_trainer(limit_val_batches=1.0, callbacks=[FeatureCollector(), recorder], **several)
    trainer.validate(method, [pairs(11), pairs(9)], verbose=False)
    held_out = recorder.seen[0][1]["encoder"].val
    return held_out.index.tolist(), held_out.labels.tolist()


def test_two_processes_measure_every_image_of_a_plain_loader_once(two_processes: TwoProcesses) -> None:
    (first, labels), (second, others) = two_processes(as_a_rank, _measured)
    assert sorted([*first, *second]) == list(range(9)) == _measured()[0]
    assert [*labels, *others] == [index % 3 for index in [*first, *second]]


def test_a_nan_in_a_run_on_plain_loaders_is_said_without_indices() -> None:
    class Broken(Method):
        views = toy_method("Supervised").views

        def training_loss(self, batch: Any) -> Tensor:
            return self.encoder(batch.views[0]).sum() * torch.nan

    with pytest.raises(ArithmeticError, match=r"NaN or infinite at step 1 \(learning rate [\d.e-]+\)\."):
        toy_trainer(callbacks=[NaNGuard()], log_every_n_steps=1).fit(Broken(ConvNet(width=2)), pairs())
