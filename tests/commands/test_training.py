from pathlib import Path

import pytest
import torch

from csl.io import load_features
from tests.commands.runs import SMALL, SMALL_MODEL, SMALL_TRAINER, csl, curve, events

PER_SET = ["rld_1.0", "rld_0.2", "rld_0.1", "calinski_harabasz", "feature_std"]
ON_VAL = ["knn_accuracy", "linear_accuracy", "gcn_accuracy", "knn_parameters", "linear_parameters", "gcn_parameters"]
PICTURES = ["feature_map", "class_affinity", "class_density", "neighbors"]
SCALARS = [f"{part}/{name}" for part in ("train", "val") for name in PER_SET] + [f"val/{name}" for name in ON_VAL]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def printed(folder: Path) -> str:
    return csl(folder, "fit", "--trainer.max_epochs", "2", "--trainer.check_val_every_n_epoch", "1", *SMALL)


@pytest.fixture(scope="module")
def run(folder: Path, printed: str) -> Path:
    """The run that a bare `csl fit` makes: SimCLR on Digits with every monitor on."""
    return folder / "lightning_logs" / "simclr-digits" / "version_0"


def table(text: str) -> dict[str, list[str]]:
    """The cells of the printed table by row."""
    rows = [line.split() for line in text.splitlines()]
    return {row[0]: row[1:] for row in rows if row}


def test_every_measurement_reaches_tensorboard_at_every_pass(run: Path) -> None:
    for name in SCALARS:
        values = curve(run, name)
        assert list(values) == [9, 19], name
        assert all(value == value for value in values.values()), name


def test_both_pictures_reach_tensorboard(run: Path) -> None:
    assert set(events(run).Tags()["images"]) == {f"val/{name}" for name in PICTURES}


def test_a_fit_ends_with_its_table_and_the_way_to_tensorboard(run: Path, printed: str) -> None:
    cells = table(printed)
    assert float(cells["rld_0.1"][1]) == pytest.approx(curve(run, "val/rld_0.1")[19], abs=1e-4)
    assert cells["gcn_parameters"] == ["652"]
    assert cells["linear_parameters"] == [str(16 * 10 + 10)]
    assert "tensorboard --logdir lightning_logs" in printed


def test_validate_measures_a_checkpoint_as_the_fit_did(folder: Path, run: Path) -> None:
    config, checkpoint = run / "config.yaml", run / "checkpoints" / "last.ckpt"
    text = csl(folder, "validate", "--config", str(config), "--ckpt_path", str(checkpoint))
    assert set(PER_SET + ON_VAL) <= set(table(text))
    again = folder / "lightning_logs" / "simclr-digits" / "validate" / "version_0"
    for name in SCALARS:
        (value,) = curve(again, name).values()
        assert value == pytest.approx(curve(run, name)[19], rel=1e-5), name


def test_predict_writes_every_image_once(folder: Path, run: Path) -> None:
    config, checkpoint, target = run / "config.yaml", run / "checkpoints" / "last.ckpt", folder / "out" / "f.npz"
    csl(folder, "predict", "--config", str(config), "--ckpt_path", str(checkpoint), "--output", str(target))
    features = load_features(target)
    assert features.values.shape == (397, 16)
    assert features.index.tolist() == list(range(397))
    assert torch.bincount(features.labels).min() > 30


def test_predict_without_a_log_leaves_the_features_and_nothing_else(tmp_path: Path, run: Path) -> None:
    line = "--config", str(run / "config.yaml"), "--ckpt_path", str(run / "checkpoints" / "last.ckpt")
    csl(tmp_path, "predict", *line, "--trainer.logger", "false", "--output", "features.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["features.npz"]


@pytest.mark.parametrize("method", ["MoCo", "BYOL", "Supervised"])
def test_the_other_methods_run_by_their_short_name(tmp_path: Path, method: str) -> None:
    text = csl(tmp_path, "fit", "--model", method, "--trainer.max_epochs", "1", *SMALL_TRAINER, *SMALL_MODEL)
    assert "gcn_accuracy" in table(text)


def test_a_folder_of_images_works_without_a_file(tmp_path: Path) -> None:
    from tests.commands.images import write_folder

    write_folder(tmp_path / "images", classes=3, train=12, val=6)
    line = ["--data.source", "Folder", "--data.source.root", "images", "--data.batch_size", "12"]
    text = csl(tmp_path, "fit", *line, "--model.encoder", "ConvNet", "--trainer.max_epochs", "1", *SMALL)
    assert table(text)["linear_parameters"] == [str(16 * 3 + 3)]


def test_test_without_a_third_split_names_validate(folder: Path, run: Path) -> None:
    from tests.commands.runs import failure

    status, message = failure(folder, "test", "--config", str(run / "config.yaml"))
    assert status == 1
    assert "Digits has no test set" in message
    assert "validate" in message


def test_compile_is_a_flag_that_the_runs_file_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    monkeypatch.setattr("torch.nn.Module.compile", lambda part, **_: compiled.append(type(part).__name__))
    csl(tmp_path, "fit", "--compile", "true", "--trainer.max_epochs", "1", "--trainer.limit_val_batches", "0", *SMALL)
    assert "ConvNet" in compiled
    saved = tmp_path / "lightning_logs" / "simclr-digits" / "version_0" / "config.yaml"
    assert "compile: true" in saved.read_text()


def test_the_network_takes_the_channels_of_the_data(tmp_path: Path) -> None:
    quick = ["--trainer.limit_val_batches", "0", "--trainer.max_epochs", "1", "--trainer.limit_train_batches", "1"]
    csl(tmp_path, "fit", *quick, *SMALL)
    (file,) = tmp_path.glob("lightning_logs/*/version_0/checkpoints/last.ckpt")
    assert torch.load(file, weights_only=True)["state_dict"]["encoder.layers.0.0.weight"].shape[1] == 1
