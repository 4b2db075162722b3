"""On several processes, loaders of one's own give every sample once, whatever Lightning's sampler repeats."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch.utils.data import DataLoader

from csl.callbacks import FeatureCallback, FeatureCollector
from csl.callbacks.repeats import unrepeated
from csl.distributed import rank, size, world
from csl.methods.run import global_batch_size
from csl.types import Batch, Features, Split
from tests.callbacks.toy import Points, ToyData, ToyMethod, toy_trainer
from tests.promises.processes import as_a_rank
from tests.two_processes import TwoProcesses


class Seen(FeatureCallback):
    """Keeps the index of the held-out rows."""

    def on_features(self, trainer: Trainer, module: LightningModule, features: Mapping[str, Split]) -> None:
        self.index = features["encoder"].val.index.tolist()


def rows_of(index: list[list[int]], count: int) -> list[int] | str:
    own = torch.tensor(index[rank(world())])
    try:
        return unrepeated(Features(own[:, None].float(), own, own), count).values[:, 0].int().tolist()
    except ValueError as error:
        return str(error)


def test_the_first_of_equal_rows_stays(two_processes: TwoProcesses) -> None:
    assert two_processes(rows_of, [[0, 2, 4], [1, 3, 0]], 5) == [[0, 2, 4], [1, 3]]
    assert two_processes(rows_of, [[0, 2], [1, 3]], 4) == [[0, 2], [1, 3]]
    said = "index: expected the position of each of 5 images in its data set, to tell which of 6 rows the sampler"
    for message in two_processes(rows_of, [[0, 0, 0], [0, 0, 0]], 5):
        assert message.startswith(said)
        assert message.endswith("got 1 different ones")


class OddData(ToyData):
    """11 and 7 points to evaluate on, which do not divide by two."""

    def val_dataloader(self) -> list[DataLoader[Batch]]:
        return [DataLoader(Points(11), batch_size=4), DataLoader(Points(7), batch_size=4)]


def _validated(folder: Any) -> list[int]:
    seen = Seen()
    several = {"devices": size(world()), "strategy": "ddp" if size(world()) > 1 else "auto"}
    trainer = toy_trainer(folder, [FeatureCollector(), seen], **several)
    trainer.validate(ToyMethod(), OddData(), verbose=False)
    return seen.index


def test_a_validation_on_two_processes_measures_every_image_once(two_processes: TwoProcesses, tmp_path: Any) -> None:
    first, second = two_processes(as_a_rank, _validated, tmp_path)
    assert sorted([*first, *second]) == list(range(7)) == _validated(tmp_path)


@pytest.mark.parametrize("given", ["module", "loader"])
def test_the_rate_follows_the_loaders_own_batch_size(tmp_path: Any, given: str) -> None:
    class OwnData(ToyData):
        batch_size = 7  # of one process, as Lightning's data modules have it

    data = OwnData()
    trainer = toy_trainer(tmp_path, [], max_epochs=1, limit_val_batches=0)
    loaders = {"datamodule": data} if given == "module" else {"train_dataloaders": data.train_dataloader()}
    trainer.fit(ToyMethod(), **loaders)
    assert global_batch_size(trainer) == 4
