"""Random command lines either train a step or end before training with an error that names an option on them."""

import re
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.commands.runs import SMALL_TRAINER, csl, failure
from tests.fuzz.cases import cases

ENCODERS = [
    ["--model.encoder", "ConvNet", "--model.encoder.width", "2"],
    ["--model.encoder", "ViT", "--model.encoder.patch_size", "4", "--model.encoder.width", "8"],
    ["--model.encoder", "ResNet", "--model.encoder.depth", "10", "--model.encoder.width", "2"],
]
# A good and some bad values of options; their names are what an error must say.
OPTIONS: dict[str, list[str]] = {
    "data.batch_size": ["64", "350", "0", "-1", "1401", "many", "2.5"],
    "data.image_size": ["8", "16", "0", "-3", "big"],
    "data.num_workers": ["0", "auto", "-1", "some"],
    "data.memory_budget": ["1.0", "-1", "much"],
    "data.predict_split": ["val", "nothing"],
    "model.optimization.lr": ["0.1", "0", "-1", "nan", "inf", "fast"],
    "model.optimization.optimizer": ["lars", "sgd", "adamw", "adam"],
    "model.optimization.weight_decay": ["0.01", "-0.1", "nan"],
    "model.optimization.warmup_epochs": ["0", "1", "-1", "soon"],
    "model.optimization.momentum": ["0.5", "1.0", "-0.5"],
    "model.optimization.final_lr": ["0", "-1"],
    "model.encoder.width": ["2", "0", "-4", "wide"],
    "trainer.max_steps": ["1"],
    "trainer.accumulate_grad_batches": ["1", "2", "0", "-1"],
    "trainer.gradient_clip_val": ["1.0", "-1.0"],
    "trainer.precision": ["32-true", "bf16-mixed", "17"],
    "trainer.log_every_n_steps": ["1", "often"],
    "seed_everything": ["1", "-1", "x"],
    "nonsense": ["1"],
}
OF_METHODS: dict[str, dict[str, list[str]]] = {
    "SimCLR": {"temperature": ["0.1", "0", "-1", "nan", "inf", "warm"], "hidden_dim": ["8", "0", "-1"]},
    "MoCo": {"queue_size": ["16", "0", "-5"], "momentum": ["0.9", "1.5", "-1", "nan"], "output_dim": ["4", "0"]},
    "BYOL": {"momentum": ["0.99", "2", "nan"], "hidden_dim": ["8", "0"], "temperature": ["0.1"]},
    "Supervised": {"label_smoothing": ["0.1", "-1", "2"], "num_classes": ["10", "7"]},
}
HEADS = {"SimCLR": 1, "MoCo": 1, "BYOL": 1}


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """A line for `csl fit`: a method, an encoder, and up to four further options."""
    method = draw(st.sampled_from(sorted(OF_METHODS)))
    heads = ["--model.hidden_dim", "8", "--model.output_dim", "4"] if method in HEADS else []
    line = ["--model", method, *draw(st.sampled_from(ENCODERS)), *heads]
    options = OPTIONS | {f"model.{name}": values for name, values in OF_METHODS[method].items()}
    for name in draw(st.lists(st.sampled_from(sorted(options)), max_size=4, unique=True)):
        line += [f"--{name}", draw(st.sampled_from(options[name]))]
    return line


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Give signals back that a run in this process may have kept."""
    yield
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def outcome(folder: Path, line: list[str]) -> str:
    """What went wrong; empty if a step was trained."""
    try:
        csl(folder, "fit", *line)
    except SystemExit:
        return failure(folder, "fit", *line)[1]
    return ""


@pytest.mark.filterwarnings("ignore")
def test_a_line_trains_a_step_or_its_error_names_an_option() -> None:
    @cases(few=4)
    @given(lines())
    def check(line: list[str]) -> None:
        quick = ["--trainer.max_epochs", "1", "--trainer.max_steps", "1", "--trainer.limit_val_batches", "0"]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            message = outcome(folder, [*line, *quick, *SMALL_TRAINER])
            trained = list(folder.rglob("last.ckpt"))
        if not message:
            assert trained, f"nothing was trained and nothing was said: {line}"
            return
        assert not trained, f"trained before it failed: {line}: {message}"
        assert "Traceback" not in message, message
        assert _named(message, line), f"{line}: {message}"

    check()


def _named(message: str, line: list[str]) -> Any:
    """Whether the message holds the last part of the name of an option of the line."""
    names = {word.rpartition(".")[2].lstrip("-") for word in line if word.startswith("--")}
    return re.search("|".join(names), message)
