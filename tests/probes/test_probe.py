"""What every probe promises, whatever it trains."""

import dataclasses
import pickle
import random
from collections.abc import Callable
from inspect import isabstract
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import csl.probes
from csl.distributed import rank, world
from csl.probes import GCNProbe, KNNProbe, LabelPropagationProbe, LinearProbe, Outcome, Probe, ProbeResult, Task
from csl.types import Features
from tests.probes.samples import clumps, features, rows

PROBES = [
    LinearProbe(),
    LinearProbe("adamw"),
    KNNProbe(neighbors=5, leave_one_out=True),
    GCNProbe(neighbors=5, backend="torch", best_over_steps=True),
    GCNProbe(neighbors=None),
    GCNProbe(neighbors=5, depth=3, features=True, self_loop=0.5, label_share=0.5),
    LabelPropagationProbe(neighbors=5),
    LinearProbe("adamw", batch_size=16, label_share=0.5),
]
# Every probe that the package exports is tried as it is, too: nothing but this discovers it.
PROBES += [
    kind()
    for kind in vars(csl.probes).values()
    if isinstance(kind, type) and issubclass(kind, Probe) and not isabstract(kind)
    if not any(type(probe) is kind for probe in PROBES)
]
every_probe = pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)


@every_probe
def test_results_are_those_of_the_predictions(probe: Probe) -> None:
    train, val = clumps()
    result = probe.fit(train, val)
    assert result.predictions is not None
    assert set(result.predictions.tolist()) <= {2, 5, 11}
    assert result.val_accuracy == pytest.approx(float((result.predictions == val.labels).double().mean()))
    assert result.seconds is not None
    assert result.seconds > 0
    assert 0.4 < result.train_accuracy <= 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.val_accuracy = 1.0  # type: ignore[misc]


def random_state() -> tuple[object, ...]:
    return torch.get_rng_state().tolist(), pickle.dumps(np.random.get_state()), random.getstate()


@every_probe
def test_the_global_random_state_is_neither_read_nor_moved(probe: Probe) -> None:
    results, states = [], []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        before = random_state()
        results.append(probe.fit(*clumps()))
        states.append(random_state() == before)
    assert states == [True, True]
    assert_same(*results)


@every_probe
def test_inference_mode_changes_nothing(probe: Probe) -> None:
    expected = probe.fit(*clumps())
    with torch.inference_mode():
        train, val = (Features(*(tensor.clone() for tensor in part)) for part in clumps())
        assert train.values.is_inference()
        result = probe.fit(train, val)
        assert torch.is_inference_mode_enabled()
    with torch.no_grad():
        again = probe.fit(*clumps())
    assert_same(expected, result)
    assert_same(expected, again)


@every_probe
def test_features_are_left_as_they_were(probe: Probe) -> None:
    (train, val), (same_train, same_val) = clumps(), clumps()
    probe.fit(train, val)
    assert torch.equal(train.values, same_train.values)
    assert torch.equal(val.values, same_val.values)
    assert not train.values.requires_grad


@every_probe
def test_held_out_labels_only_measure(probe: Probe) -> None:
    train, val = clumps()
    wrong = val._replace(labels=torch.full_like(val.labels, 99))
    right, blind = probe.fit(train, val), probe.fit(train, wrong)
    assert right.predictions is not None
    assert blind.predictions is not None
    assert torch.equal(right.predictions, blind.predictions)
    assert right.train_accuracy == blind.train_accuracy
    assert blind.val_accuracy == 0


@every_probe
def test_a_held_out_class_without_a_training_sample_counts_as_wrong(probe: Probe) -> None:
    train, val = clumps()
    known = probe.fit(train, val)
    labels = torch.where(val.labels == 5, 4, val.labels)
    unseen = probe.fit(train, val._replace(labels=labels))
    assert known.predictions is not None
    assert unseen.val_accuracy == pytest.approx(float((known.predictions == labels).double().mean()))


Spoil = Callable[[Features, Features], tuple[Features, Features]]
BAD: dict[str, Spoil] = {
    "train: expected values": lambda train, val: (train._replace(labels=train.labels[:-1]), val),
    "train: expected at least one sample": lambda train, val: (rows(train, slice(0)), val),
    "val: expected at least one sample": lambda train, val: (train, rows(val, slice(0))),
    "one width, got 2 and 1": lambda train, val: (train, val._replace(values=val.values[:, :1])),
    "got only class 2": lambda train, val: (train._replace(labels=torch.full_like(train.labels, 2)), val),
    r"train\.labels: .* in 2 rows, first the samples with index 0, 3": lambda train, val: (
        train._replace(labels=train.labels.index_fill(0, torch.tensor([0, 3]), -1)),
        val,
    ),
    r"val\.values: .* got NaN or inf in 1 rows, first the samples with index 9": lambda train, val: (
        train,
        val._replace(values=val.values.index_fill(0, torch.tensor([9]), torch.nan)),
    ),
    r"train\.values: expected floating-point": lambda train, val: (train._replace(values=train.values.long()), val),
}


@every_probe
@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_refused(probe: Probe, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        probe.fit(*BAD[message](*clumps()))


def cut(samples: Features, at: int) -> Features:
    """The first rows on the first process, the others on the second."""
    return rows(samples, slice(0, at) if rank(world()) == 0 else slice(at, None))


def fit_sharded(probe: Probe, train_at: int, val_at: int) -> tuple[ProbeResult, Tensor | None]:
    train, val = clumps()
    result = probe.fit(cut(train, train_at), cut(val, val_at), group=world())
    return result, result.predictions


@pytest.mark.parametrize(("train_at", "val_at"), [(60, 30), (41, 60), (119, 0)])
@every_probe
def test_two_processes_find_what_one_finds(two_processes: Any, probe: Probe, train_at: int, val_at: int) -> None:
    (first, top), (second, bottom) = two_processes(fit_sharded, probe, train_at, val_at)
    alone = probe.fit(*clumps())
    assert first == second
    assert first.seconds == second.seconds
    assert first == alone
    assert alone.predictions is not None
    assert torch.equal(torch.cat([top, bottom]), alone.predictions)


def fit_bad_shard() -> str:
    train, val = clumps()
    group = world()
    if rank(group) == 1:
        train = train._replace(values=train.values.index_fill(0, torch.tensor([6]), torch.nan))
    try:
        LinearProbe().fit(train, val, group=group)
    except ValueError as error:
        return str(error)
    return "no error"


def test_a_bad_row_on_one_process_is_an_error_on_all(two_processes: Any) -> None:
    first, second = two_processes(fit_bad_shard)
    assert first == second
    assert "in 1 rows, first the samples with index 6" in first


class MajorityProbe(Probe):
    """A stranger's probe, to see that the base serves it."""

    name = "majority"

    def classify(self, task: Task) -> Outcome:
        winner = torch.bincount(task.train.classes).argmax()
        assert torch.is_grad_enabled()
        return Outcome(winner.expand(len(task.val.classes)), train_accuracy=float("nan"), num_parameters=1)


def test_a_strangers_probe_states_only_its_idea() -> None:
    train = features(torch.randn(5, 2), torch.tensor([3, 7, 7, 3, 7]))
    result = MajorityProbe().fit(train, train)
    assert result.predictions is not None
    assert result.predictions.tolist() == [7] * 5
    assert result.val_accuracy == pytest.approx(0.6)


def assert_same(first: ProbeResult, second: ProbeResult) -> None:
    assert first == second
    assert first.predictions is not None
    assert second.predictions is not None
    assert torch.equal(first.predictions, second.predictions)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool])
@pytest.mark.parametrize("name", ["train", "val"])
def test_labels_that_are_no_integers_are_refused(name: str, dtype: torch.dtype) -> None:
    good = Features(torch.eye(4), torch.tensor([0, 1, 0, 1]), torch.arange(4))
    sets = {"train": good, "val": good} | {name: good._replace(labels=good.labels.to(dtype))}
    with pytest.raises(ValueError, match=rf"{name}\.labels: expected integers, got {dtype}"):
        KNNProbe(neighbors=1).fit(sets["train"], sets["val"])
