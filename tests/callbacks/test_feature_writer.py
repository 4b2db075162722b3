from pathlib import Path

import pytest
import torch

from csl.callbacks import FeatureWriter
from csl.io import read_features
from tests.callbacks.toy import Points, ToyData, ToyMethod, toy_trainer


@pytest.mark.parametrize("ending", [".npz", ".safetensors", ".parquet"])
def test_what_predict_writes_can_be_analyzed(tmp_path: Path, ending: str) -> None:
    path, method = tmp_path / "new" / f"rows{ending}", ToyMethod()
    toy_trainer(tmp_path, [FeatureWriter(path)]).predict(method, ToyData(), return_predictions=False)
    table = read_features(path)
    with torch.no_grad():
        torch.testing.assert_close(table.values, method.encoder(Points(10).points))
    assert table.labels is not None
    assert torch.equal(table.labels, Points(10).labels)


def test_a_name_that_cannot_be_written_is_refused_before_anything_is_computed() -> None:
    with pytest.raises(
        ValueError,
        match=r"path: expected .* \.npz or \.safetensors or \.parquet, got 'rows\.txt'",
    ):
        FeatureWriter("rows.txt")
