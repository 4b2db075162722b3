"""Random command lines either train a step or end before training with an error that names an option on them."""

import re
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

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
# Good and bad values of options; the name of one of those drawn is what an error must say.
OPTIONS: dict[str, list[str]] = {
    "data.batch_size": ["64", "350", "0", "-1", "1401", "many", "2.5"],
    "data.image_size": ["8", "16", "0", "-3", "big"],
    "data.num_workers": ["0", "auto", "-1", "some"],
    "data.memory_budget": ["1.0", "-1", "much", "nan"],
    "data.predict_split": ["val", "nothing"],
    "data.seed": ["3", "-1", "later"],
    "data.augmentation": ["Augmentation", "Nothing"],
    "model.optimization.lr": ["0.1", "0", "-1", "nan", "inf", "fast"],
    "model.optimization.optimizer": ["lars", "sgd", "adamw", "adam"],
    "model.optimization.weight_decay": ["0.01", "-0.1", "nan"],
    "model.optimization.warmup_epochs": ["0", "1", "-1", "soon"],
    "model.optimization.momentum": ["0.5", "1.0", "-0.5"],
    "model.optimization.final_lr": ["0", "-1"],
    "model.optimization.trust_coefficient": ["0.01", "0", "inf"],
    "model.encoder.width": ["2", "0", "-4", "wide"],
    "model.encoder.in_channels": ["1", "3", "0"],
    "trainer.max_epochs": ["1", "-7", "few"],
    "trainer.max_steps": ["1", "-3"],
    "trainer.accumulate_grad_batches": ["1", "2", "0", "-1"],
    "trainer.gradient_clip_val": ["1.0", "-1.0", "nan"],
    "trainer.precision": ["32-true", "bf16-mixed", "17"],
    "trainer.log_every_n_steps": ["1", "often"],
    "trainer.check_val_every_n_epoch": ["1", "0", "-1"],
    "trainer.limit_train_batches": ["1", "0.5", "-1"],
    "seed_everything": ["1", "-1", "x"],
    "nonsense": ["1"],
}
OF_ENCODERS: dict[str, dict[str, list[str]]] = {
    "ConvNet": {"depth": ["3"]},
    "ResNet": {"depth": ["10", "18", "11", "0"], "stem": ["small", "imagenet", "large"]},
    "ViT": {
        "depth": ["1", "0", "-1"],
        "heads": ["2", "3", "0"],
        "patch_size": ["4", "3", "0", "64"],
        "mlp_width": ["8", "0"],
        "dropout": ["0", "1.5", "-0.1", "nan"],
        "image_size": ["8", "9", "0"],
    },
}
OF_METHODS: dict[str, dict[str, list[str]]] = {
    "SimCLR": {"temperature": ["0.1", "0", "-1", "nan", "inf", "warm"], "hidden_dim": ["8", "0", "-1"]},
    "MoCo": {
        "queue_size": ["16", "0", "-5"],
        "momentum": ["0.9", "1.5", "-1", "nan"],
        "final_momentum": ["1", "0.5", "1.5"],
        "output_dim": ["4", "0"],
    },
    "BYOL": {"momentum": ["0.99", "2", "nan"], "hidden_dim": ["8", "0"], "temperature": ["0.1"]},
    "Supervised": {"label_smoothing": ["0.1", "-1", "2"], "num_classes": ["10", "7", "1"]},
    "SimSiam": {"num_layers": ["2", "3", "1"], "prediction_dim": ["4", "0"]},
    "BarlowTwins": {"hidden_dim": ["8", "0"]},
    "VICReg": {"output_dim": ["4", "-1"]},
    "SpectralContrastive": {"mu": ["1", "0", "nan"]},
    "DCL": {"temperature": ["0.1", "0"], "weighted": ["true", "maybe"], "sigma": ["0.5"]},
    "SupCon": {"temperature": ["0.1", "inf"]},
    "NNCLR": {"queue_size": ["16", "0"], "prediction_dim": ["8", "0"]},
    "TiCo": {"beta": ["0.5", "2"], "rho": ["8", "-1"], "momentum": ["1", "nan"]},
    "ExemplarCNN": {"num_exemplars": ["5", "0", "1398", "9000"]},
    "NPID": {"temperature": ["0.1", "0"], "momentum": ["0.5", "2"], "negatives": ["0", "16", "-1"]},
    "MMCR": {"num_views": ["2", "3", "1"], "local_weight": ["0.1", "-1"]},
}
HEADS = set(OF_METHODS) - {"Supervised", "NPID", "ExemplarCNN"}


class Line(NamedTuple):
    """A line for `csl fit`, and the last parts of the names of those options whose values were drawn."""

    words: list[str]
    drawn: list[str]


@st.composite
def lines(draw: st.DrawFn) -> Line:
    """A method, an encoder, and up to four further options."""
    method = draw(st.sampled_from(sorted(OF_METHODS)))
    heads = ["--model.hidden_dim", "8", "--model.output_dim", "4"] if method in HEADS else []
    encoder = draw(st.sampled_from(ENCODERS))
    words = ["--model", method, *encoder, *heads]
    options = OPTIONS | {f"model.{name}": values for name, values in OF_METHODS[method].items()}
    options |= {f"model.encoder.{name}": values for name, values in OF_ENCODERS[encoder[1]].items()}
    names = draw(st.lists(st.sampled_from(sorted(options)), max_size=4, unique=True))
    for name in names:
        words += [f"--{name}", draw(st.sampled_from(options[name]))]
    return Line(words, [name.rpartition(".")[2] for name in names])


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
    def check(line: Line) -> None:
        quick = ["--trainer.max_epochs", "1", "--trainer.max_steps", "1", "--trainer.limit_val_batches", "0"]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            message = outcome(folder, [*quick, *line.words, *SMALL_TRAINER])
            trained = list(folder.rglob("last.ckpt"))
        if not message:
            assert trained, f"nothing was trained and nothing was said: {line.words}"
            return
        assert not trained, f"trained before it failed: {line.words}: {message}"
        assert "Traceback" not in message, message
        assert line.drawn, f"{line.words} holds nothing wrong: {message}"
        assert re.search(rf"\b({'|'.join(line.drawn)})\b", message), f"{line.words}: {message}"

    check()
