from typing import Any

import pytest
import torch

from csl.distributed import shard, world
from csl.probes import LinearProbe, Samples
from csl.probes.solvers import lbfgs
from tests.probes.samples import clumps, digits, features, rows


@pytest.mark.parametrize("penalty", [1.0, 30.0])
def test_the_minimum_is_that_of_scikit_learn(penalty: float) -> None:
    from sklearn.linear_model import LogisticRegression

    train, _ = digits()
    values, classes = train.values[:500, 10:30].double() / 16, train.labels[:500]
    fit = lbfgs(Samples(values, classes), 10, penalty=penalty, max_steps=1000)
    reference = LogisticRegression(C=1 / penalty, tol=1e-9, max_iter=10_000).fit(values.numpy(), classes.numpy())
    # scikit-learn centres nothing either; both biases are free up to a common constant.
    bias = torch.tensor(reference.intercept_)
    torch.testing.assert_close(fit.weight, torch.tensor(reference.coef_), rtol=0, atol=2e-3)
    torch.testing.assert_close(fit.bias - fit.bias.mean(), bias - bias.mean(), rtol=0, atol=2e-3)
    assert 1 < fit.steps < 1000


def test_digits_predictions_are_those_of_scikit_learn_on_standardised_features() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, val = digits()
    reference = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8, max_iter=10_000))
    reference.fit(train.values.double().numpy(), train.labels.numpy())
    result = LinearProbe().fit(train, val)
    assert result.val_accuracy == pytest.approx(reference.score(val.values.double().numpy(), val.labels.numpy()))
    assert result.num_parameters == 650
    assert 0.94 < result.val_accuracy < 0.99


def test_the_papers_way_stops_by_training_accuracy() -> None:
    result = LinearProbe("adamw").fit(*digits())
    assert result.train_accuracy > 0.995
    assert result.val_accuracy > 0.93
    assert result.steps is not None
    assert 30 < result.steps < 300


@pytest.mark.parametrize("solver", ["lbfgs", "adamw"])
def test_scale_shift_and_constant_dimensions_do_not_matter(solver: str) -> None:
    train, val = clumps()
    expected = LinearProbe(solver).fit(train, val)  # type: ignore[arg-type]

    def moved(values: torch.Tensor) -> torch.Tensor:
        constant = torch.full((len(values), 1), 0.1, dtype=torch.float64)
        return torch.cat([1e3 * values.double() - 17, constant], dim=1)

    train, val = (part._replace(values=moved(part.values)) for part in (train, val))
    result = LinearProbe(solver).fit(train, val)  # type: ignore[arg-type]
    assert result.predictions is not None
    assert expected.predictions is not None
    assert torch.equal(result.predictions, expected.predictions)


def test_collapsed_features_give_the_largest_class() -> None:
    train = features(torch.ones(5, 3), torch.tensor([4, 6, 6, 4, 6]))
    for solver in ("lbfgs", "adamw"):
        assert LinearProbe(solver).fit(train, train).val_accuracy == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"solver": "sgd"}, "solver: expected one of lbfgs, adamw, got 'sgd'"),
        ({"penalty": -1.0}, "penalty: expected 0 or more"),
        ({"max_steps": 0}, "max_steps: expected at least 1"),
        ({"solver": "adamw", "batch_size": 0}, "batch_size: expected at least 1"),
        ({"batch_size": 64}, "batch_size: lbfgs takes all samples at once"),
        ({"learning_rate": 0.0}, "learning_rate: expected a positive number"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LinearProbe(**arguments)  # type: ignore[arg-type]


LINES = [LinearProbe(), LinearProbe("adamw"), LinearProbe("adamw", batch_size=32, max_steps=5)]


def sharded_line(number: int) -> Any:
    group = world()
    train, val = (rows(part, shard(len(part.labels), group)) for part in clumps())
    result = LINES[number].fit(train, val, group=group)
    return result.parameters, result.steps


@pytest.mark.parametrize("number", range(len(LINES)))
def test_two_processes_train_the_parameters_of_one(two_processes: Any, number: int) -> None:
    (first, steps), (second, same_steps) = two_processes(sharded_line, number)
    alone = LINES[number].fit(*clumps())
    assert steps == same_steps == alone.steps
    for name, value in alone.parameters.items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], value, rtol=0, atol=1e-6)


def test_batches_are_drawn_from_the_seed_alone() -> None:
    first, same, other = (LinearProbe("adamw", batch_size=16, seed=seed).fit(*clumps()) for seed in (0, 0, 1))
    assert torch.equal(first.parameters["weight"], same.parameters["weight"])
    assert not torch.equal(first.parameters["weight"], other.parameters["weight"])


def test_batches_reach_what_all_samples_reach() -> None:
    batches = LinearProbe("adamw", batch_size=128, learning_rate=0.01).fit(*digits())
    assert batches.val_accuracy > 0.94
    assert batches.steps is not None
    assert 30 < batches.steps < 500
