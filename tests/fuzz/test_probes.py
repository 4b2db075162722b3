"""Random features through every probe: accuracies between 0 and 1, or an error that says why."""

import warnings
from collections.abc import Callable

import pytest
import torch
from hypothesis import given

from csl.probes import GCNProbe, KNNProbe, LabelPropagationProbe, LinearProbe, Probe
from csl.types import Features
from tests.fuzz.cases import Sample, cases, samples

PROBES: dict[str, Callable[[], Probe]] = {
    "kNN": lambda: KNNProbe(neighbors=5, leave_one_out=True),
    "linear": lambda: LinearProbe(max_steps=20),
    "GCN": lambda: GCNProbe(patience=3, backend="torch"),
    "GCN, whole graph": lambda: GCNProbe(patience=3, neighbors=None, backend="torch"),
    "label propagation": lambda: LabelPropagationProbe(backend="torch", max_steps=50),
}


@pytest.mark.parametrize("name", PROBES)
def test_accuracies_or_an_error_that_says_why(name: str) -> None:
    @cases(few=6)
    @given(samples(), samples())
    def check(train: Sample, val: Sample) -> None:
        sets = [Features(sample.values, sample.labels, torch.arange(len(sample.labels))) for sample in (train, val)]
        reason = ""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                result = PROBES[name]().fit(*sets)
            except ValueError as error:
                reason = str(error)
        if reason:
            assert len(reason) > 10
            return
        assert train.is_valid, f"went through: {train}"
        assert torch.isfinite(val.values).all()
        for accuracy in (result.train_accuracy, result.val_accuracy):
            assert 0 <= accuracy <= 1 or accuracy != accuracy
        assert result.predictions is not None
        assert set(result.predictions.tolist()) <= set(train.labels.tolist())
        assert len(result.predictions) == len(val.labels)

    check()


@pytest.mark.parametrize("name", PROBES)
def test_valid_features_of_two_classes_are_never_refused_but_for_want_of_distances(name: str) -> None:
    @cases(few=3)
    @given(samples(min_rows=4))
    def check(sample: Sample) -> None:
        if not sample.is_valid or len(set(sample.labels.tolist())) < 2:
            return
        rows = Features(sample.values, sample.labels, torch.arange(len(sample.labels)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                result = PROBES[name]().fit(rows, rows)
            except ValueError as error:
                if "collapsed" in str(error):
                    return
                raise
        assert 0 <= result.val_accuracy <= 1

    check()
