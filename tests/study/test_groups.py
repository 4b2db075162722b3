"""Which runs are averaged, and what the others are called."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from csl.runs import Run
from csl.study.groups import groups
from csl.study.subjects import Encoded, Subject

NOTHING = Encoded(torch.ones(1, 1), torch.zeros(1))


def found(folder: Path, *configs: dict[str, Any] | str, grouping: Any = "folder") -> list[str]:
    """The groups of runs with these options, and of files of features where a name is given."""
    subjects, runs = [], list[Run | None]()
    for number, config in enumerate(configs):
        if isinstance(config, dict):
            runs.append(found := run(folder / "simclr-digits" / f"version_{number}", config))
            subjects.append(last(found))
        else:
            runs.append(None)
            subjects.append(Subject(config, folder / config, None, (), NOTHING))
    return groups(subjects, runs, grouping)


def run(place: Path, config: dict[str, Any], status: str = "finished") -> Run:
    place.mkdir(parents=True, exist_ok=True)
    config = {"model": {"class_path": "csl.methods.SimCLR", "init_args": {}}, **config}
    (place / "config.yaml").write_text(yaml.safe_dump(config))
    (place / "record.yaml").write_text(yaml.safe_dump({"legs": [{"status": status}]}))
    return Run(place)


def last(run: Run, name: str = "last", epoch: int = 60) -> Subject:
    return Subject(run.folder.name, run.folder / "checkpoints" / f"{name}.ckpt", epoch, (), NOTHING)


def simclr(**options: Any) -> dict[str, Any]:
    return {"model": {"class_path": "csl.methods.SimCLR", "init_args": options}}


def test_runs_that_differ_in_their_seeds_are_one_group(tmp_path: Path) -> None:
    seeds: list[dict[str, Any]] = [
        {"seed_everything": seed, "data": {"source": {"class_path": "csl.data.Folder", "init_args": {"seed": seed}}}}
        for seed in range(3)
    ]
    seeds[1]["trainer"] = {"devices": 2, "precision": "bf16-mixed", "logger": {"class_path": "CSVLogger"}}
    seeds[1]["trainer"]["callbacks"] = [{"class_path": "csl.callbacks.OrganizationMetrics"}]
    seeds[2]["data"]["source"]["init_args"]["root"] = "/elsewhere"
    assert found(tmp_path, *seeds) == ["simclr-digits"] * 3


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        (simclr(temperature=0.1), simclr(temperature=0.5), ["temperature 0.1", "temperature 0.5"]),
        (
            simclr(optimization={"lr": 0.1}),
            simclr(optimization={"lr": 0.2}),
            ["optimization.lr 0.1", "optimization.lr 0.2"],
        ),
        (
            simclr(loss=None),
            simclr(loss={"class_path": "lightly.loss.DCLLoss", "init_args": {"sigma": 0.5}}),
            ["loss None", "loss DCLLoss"],
        ),
        (
            simclr(loss={"class_path": "csl.losses.NTXentLoss"}),
            simclr(loss={"class_path": "lightly.loss.NTXentLoss"}),
            ["loss csl.losses.NTXentLoss", "loss lightly.loss.NTXentLoss"],
        ),
        (
            simclr(loss={"class_path": "mine.Loss", "dict_kwargs": {"alpha": 1}}),
            simclr(loss={"class_path": "mine.Loss", "dict_kwargs": {"alpha": 2.5}}),
            ["loss.alpha 1", "loss.alpha 2.5"],
        ),
        (
            simclr(encoder={"class_path": "csl.encoders.Timm", "init_args": {"options": None}}),
            simclr(encoder={"class_path": "csl.encoders.Timm", "init_args": {"options": {"drop_path_rate": 0.1}}}),
            ["encoder.options None", "encoder.options given"],
        ),
        (
            {"trainer": {"callbacks": [{"class_path": "mine.Averaging"}]}},
            {"trainer": {"callbacks": [{"class_path": "mine.Averaging", "init_args": {"words": "long " * 9}}]}},
            ["callback mine.Averaging given", "callback mine.Averaging {'words': 'long long long long long long…"],
        ),
        (
            {"trainer": {"callbacks": {"class_path": "mine.Averaging"}}},
            {"trainer": {"callbacks": {"class_path": "mine.Averaging", "init_args": {"decay": 0.9}}}},
            ["callback mine.Averaging given", "callback mine.Averaging {'decay': 0.9}"],
        ),
        ({"trainer": {"max_epochs": 5}}, {"trainer": {"max_epochs": 9}}, ["max_epochs 5", "max_epochs 9"]),
        ({"data": {"batch_size": 32}}, {"data": {"batch_size": 64}}, ["data.batch_size 32", "data.batch_size 64"]),
    ],
)
def test_another_training_is_a_group_of_its_own(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any], names: list[str]
) -> None:
    expected = [f"simclr-digits ({name})" for name in names]
    assert found(tmp_path, first, second) == expected
    again = [first | {"seed_everything": 1}, second | {"seed_everything": 1}]
    assert found(tmp_path, first, second, *again) == expected * 2, "seeds of each are together"


def test_options_of_one_class_are_named_where_the_class_does_not_tell(tmp_path: Path) -> None:
    dcl = [{"class_path": "lightly.loss.DCLLoss", "init_args": {"temperature": value}} for value in (0.1, 0.5)]
    assert found(tmp_path, simclr(loss=None), *(simclr(loss=one) for one in dcl)) == [
        "simclr-digits (loss None)",
        "simclr-digits (loss DCLLoss, loss.temperature 0.1)",
        "simclr-digits (loss DCLLoss, loss.temperature 0.5)",
    ]


def test_many_differences_are_not_all_named_but_names_differ(tmp_path: Path) -> None:
    common = {"a": 1, "b": 1, "c": 1}
    first, second, third = simclr(**common, d=1), simclr(**common, d=2), simclr(a=2, b=2, c=2, d=1)
    names = found(tmp_path, first, second, third)
    assert names == [
        "simclr-digits (a 1, b 1, c 1, …; 1)",
        "simclr-digits (a 1, b 1, c 1, …; 2)",
        "simclr-digits (a 2, b 2, c 2, …; 3)",
    ]


def test_checkpoints_of_one_run_are_not_seeds_of_each_other(tmp_path: Path) -> None:
    one, other = (run(tmp_path / "simclr-digits" / name, {}) for name in ("version_0", "version_1"))
    early, late = last(one, "epoch_0010", 10), last(one, "epoch_0060")
    assert groups([early, late], [one, one]) == [
        "simclr-digits (checkpoint epoch_0010)",
        "simclr-digits (checkpoint epoch_0060)",
    ]
    assert len(set(groups([late, last(one)], [one, one]))) == 2, "the same epoch"
    assert len(set(groups([early, last(other, "epoch_0060")], [one, other]))) == 2, "two runs"
    assert groups([early, last(other, "epoch_0010", 10)], [one, other]) == ["simclr-digits"] * 2


def test_a_run_that_broke_off_is_no_seed_of_those_that_did_not(tmp_path: Path) -> None:
    whole = run(tmp_path / "simclr-digits" / "version_0", {})
    broken = run(tmp_path / "simclr-digits" / "version_1", {"seed_everything": 1}, "interrupted")
    assert groups([last(whole), last(broken, epoch=7)], [whole, broken]) == [
        "simclr-digits (training finished)",
        "simclr-digits (training interrupted after epoch 7)",
    ]


def test_folders_of_one_name_are_two_groups(tmp_path: Path) -> None:
    runs = [run(tmp_path / place / "simclr-digits" / "version_0", {}) for place in ("here", "there")]
    assert groups([last(one) for one in runs], runs) == ["here/simclr-digits", "there/simclr-digits"]


def test_a_number_is_the_same_however_it_is_written(tmp_path: Path) -> None:
    assert found(tmp_path, simclr(lr=1), simclr(lr=1.0)) == ["simclr-digits"] * 2


def test_a_file_is_a_group_of_its_own_and_other_groupings_are_as_asked_for(tmp_path: Path) -> None:
    runs = simclr(temperature=0.1), simclr(temperature=0.5), "clip.npz"
    assert found(tmp_path, *runs)[2] == "clip.npz"
    assert found(tmp_path, *runs, grouping="method") == ["SimCLR", "SimCLR", "clip.npz"]
    assert found(tmp_path, *runs, grouping="none") == ["version_0", "version_1", "clip.npz"]
