"""Random limits and random changes of a run: the end is measured, what is said holds, and what is refused is left."""

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from csl.runs import LAST, Run
from tests.commands.runs import SMALL_MODEL, SMALL_TRAINER, csl, curves, failure
from tests.fuzz.cases import cases

# Digits in four batches an epoch, all of which the log sees.
LINE = ["--data.batch_size", "350", "--trainer.log_every_n_steps", "1", "--model.hidden_dim", "16"]
LINE += ["--model.output_dim", "8", "--trainer.callbacks", "OrganizationMetrics", *SMALL_MODEL, *SMALL_TRAINER]
PER_EPOCH = 4
LIMITS = {
    "max_epochs": ["-1", "1", "2", "3"],
    "max_steps": ["1", "3", "4", "6", "-1"],
    "max_time": ["00:00:00:01", "00:01:00:00"],
}
OTHER = {
    "--trainer.check_val_every_n_epoch": ["1", "2", "5"],
    "--trainer.limit_train_batches": ["2", "0.5", "1.0"],
    "--model.optimization.warmup_epochs": ["0", "1", "7"],
    "--trainer.callbacks.every_n": ["1", "2"],
}


@st.composite
def limits(draw: st.DrawFn) -> dict[str, str]:
    """Limits of a fit, of which one at least is an end, and options that concern it."""
    given = {name: draw(st.sampled_from(values)) for name, values in LIMITS.items() if draw(st.booleans())}
    if not {"max_epochs", "max_steps"} & {name for name, value in given.items() if value != "-1"}:
        given["max_epochs"] = "2"  # the schedule needs an end that is no clock's
    options = {name: draw(st.sampled_from(values)) for name, values in OTHER.items() if draw(st.booleans())}
    return {f"--trainer.{name}": value for name, value in given.items()} | options


def run_in(folder: Path) -> Run:
    (found,) = (folder / "lightning_logs").glob("*/version_0")
    return Run(found)


@pytest.mark.filterwarnings("ignore")
def test_whatever_ends_a_fit_its_end_is_measured_and_saved() -> None:
    @cases(few=5)
    @given(limits())
    def check(options: dict[str, str]) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            printed = csl(folder, "fit", *LINE, *[word for option in options.items() for word in option])
            run = run_in(folder)
            step, scalars = int(torch.load(run.last, weights_only=True)["global_step"]), curves(run.folder)
            assert 0 < step <= _most(options), options
            if "--trainer.max_time" not in options:
                assert step == _most(options), options
            assert max(scalars["val/rld_0.1"]) == step - 1, options  # a step is logged by its number from 0
            assert re.search(rf"after (epoch \d+ \(step {step}\)|step {step} \(in epoch \d+\))", printed), printed
            assert list(scalars["train/lr"]) == list(range(step)), options
            leg = run.record["legs"][-1]
            assert (leg["status"], leg["steps"]) == ("finished", [0, step]), options

    check()


def _most(options: dict[str, str]) -> int:
    """How many steps the limits let a fit make."""
    share = options.get("--trainer.limit_train_batches", "1.0")
    per_epoch = int(share) if share == "2" else int(PER_EPOCH * float(share))
    epochs, steps = (int(options.get(f"--trainer.max_{unit}", "-1")) for unit in ("epochs", "steps"))
    if epochs == -1 and steps == -1:
        epochs = 60  # of a plain line on the digits
    return min(value for value in (epochs * per_epoch, steps) if value >= 0)


# Options, the value that a run of them goes on with, and whether it can.
CHANGES: dict[str, tuple[list[str], bool]] = {
    "model.optimization.lr": (["0.001", "0.5"], True),
    "model.optimization.weight_decay": (["0.01", "0"], True),
    "model.optimization.warmup_epochs": (["0", "1"], True),
    "model.temperature": (["0.2", "1"], True),
    "data.batch_size": (["280", "700"], True),
    "seed_everything": (["5"], True),
    "trainer.check_val_every_n_epoch": (["1", "2"], True),
    "trainer.gradient_clip_val": (["1.0"], True),
    "trainer.precision": (["32-true"], True),
    "model.encoder.width": (["3", "4"], False),
    "model.output_dim": (["4"], False),
    "model.optimization.optimizer": (["sgd", "lars"], False),
    "model.encoder": (["ResNet"], False),
    "data.source": (["MNIST"], False),
    "model": (["MoCo", "Supervised"], False),
    "model.optimization.momentum": (["-1", "fast"], False),
    "trainer.max_epochs": (["many"], False),
}


@st.composite
def changes(draw: st.DrawFn) -> dict[str, str]:
    names = draw(st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=3, unique=True))
    return {name: draw(st.sampled_from(CHANGES[name][0])) for name in names}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one epoch."""
    folder = tmp_path_factory.mktemp("begun")
    csl(folder, "fit", *LINE, "--trainer.max_epochs", "1", "--model.optimization.optimizer", "adamw")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.filterwarnings("ignore")
def test_a_resume_holds_to_what_it_is_given_or_refuses_it_by_name_and_touches_nothing(begun: Path) -> None:
    @cases(few=6)
    @given(changes())
    def check(changed: dict[str, str]) -> None:
        words = [word for name, value in changed.items() for word in (f"--{name}", value)]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            shutil.copytree(begun, folder, dirs_exist_ok=True)
            run = run_in(folder)
            line = ["fit", "--resume", str(run.folder.relative_to(folder)), "--trainer.max_epochs", "2", *words]
            if all(CHANGES[option][1] for option in changed):
                csl(folder, *line)
                _assert_holds(run, changed)
                return
            before = contents(folder)
            _, message = failure(folder, *line)
            assert "Traceback" not in message, message
            wrong = [option for option in changed if not CHANGES[option][1]]
            assert re.search(rf"\b({'|'.join(re.escape(option.rpartition('.')[2]) for option in wrong)})\b", message)
            assert contents(folder) == before, changed

    check()


def _assert_holds(run: Run, changed: dict[str, str]) -> None:
    batch = int(changed.get("data.batch_size", "350"))
    content = torch.load(run.folder / LAST, weights_only=True)
    assert content["global_step"] == PER_EPOCH + 1400 // batch, changed
    config: dict[str, Any] = run.config
    flat = {**config["model"]["init_args"]["optimization"], "temperature": config["model"]["init_args"]["temperature"]}
    for name in ("lr", "weight_decay", "temperature", "warmup_epochs"):
        for option in (f"model.optimization.{name}", f"model.{name}"):
            if option in changed:
                assert flat[name] == float(changed[option]), changed
    groups = content["optimizer_states"][0]["param_groups"]
    if "model.optimization.weight_decay" in changed:
        decay = float(changed["model.optimization.weight_decay"])
        assert {group["weight_decay"] for group in groups if group["decays"]} == {decay}
    if "model.optimization.lr" in changed:
        expected = float(changed["model.optimization.lr"]) * batch / 256
        assert groups[0]["initial_lr"] == pytest.approx(expected), changed
    assert len(run.record["legs"]) == 2
