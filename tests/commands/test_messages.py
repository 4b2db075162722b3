"""What people get wrong on the line and in files, and the whole message that each of them reads."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.commands.runs import SMALL_TRAINER, failure

BASE = "model:\n  class_path: SimCLR\n  init_args:\n    encoder: ConvNet\ndata:\n  source: Digits\n"
PANEL = """trainer:
  callbacks:
    - class_path: csl.callbacks.OrganizationMetrics
      init_args:
        metrics:
          - class_path: csl.metrics.RelativeLocalDensity
            init_args:
              temperatures: [0.1]
"""
RESNET = "encoder:\n      class_path: ResNet\n      init_args:\n        dept: 18"
SIMCLR_OWN = "from csl.methods import SimCLR\nclass Mine(SimCLR):\n    def __init__(self, encoder, **kwargs):\n"


class Case(NamedTuple):
    """A line, the file that it names, and what is said; the message without its beginning."""

    line: str
    said: str
    file: str = ""
    other: str = ""


def in_file(text: str, said: str, other: str = "") -> Case:
    return Case("--config a.yaml", said, text, other)


ON_THE_LINE = [
    Case("--model SimCRL", "--model: unknown name 'SimCRL'; did you mean SimCLR?"),
    Case("--model Xyzzy", "--model: unknown name 'Xyzzy'…"),
    Case("--model csl.methods.SimCRL", "--model: csl.methods has no class 'SimCRL'; did you mean SimCLR?"),
    Case("--model csl.encoders.ResNet", "--model: csl.encoders.ResNet is not a subclass of Method"),
    Case("--model none.yaml", "--model: no file none.yaml"),
    Case("--model.help Nothing", "--model.help: unknown name 'Nothing'…"),
    Case("--data.source Digit", "--data.source: unknown name 'Digit'; did you mean Digits?"),
    Case("--data.source Folder", "--data.source: Folder needs 'root' (--data.source.root)"),
    Case("--model.encoder ResNt", "--model.encoder: unknown name 'ResNt'; did you mean ResNet?"),
    Case(
        "--model.encoder csl.encoders.Encoder",
        "--model.encoder: Encoder needs 'feature_dim' (--model.encoder.feature_dim)",
    ),
    Case("--model.encoder.widht 3", "--model.encoder.widht: ConvNet has no option 'widht'; did you mean width?"),
    Case("--model.temprature 3", "--model.temprature: SimCLR has no option 'temprature'; did you mean temperature?"),
    Case(
        "--model.momentum 0.9",
        "--model.momentum: SimCLR has no option 'momentum'; classes that have it: All4One, BYOL, CMC, DINO, …",
    ),
    Case(
        "--model.optimization.weight_deca 3",
        "--model.optimization.weight_deca: SimCLR has no option 'optimization.weight_deca'; "
        "did you mean optimization.weight_decay?",
    ),
    Case(
        "--data.source.root photos",
        "--data.source.root: Digits has no option 'root'; classes that have it: CIFAR10, CIFAR100, FashionMNIST, "
        "Folder, MNIST, STL10",
    ),
    Case("--encoder ResNet", "unknown option --encoder; did you mean --model.encoder?"),
    Case("--seed 1", "unknown option --seed; did you mean --seed_everything?"),
    Case("--lr 0.1", "unknown option --lr; did you mean --model.optimization.lr?"),
    Case(
        "--data.source /",
        "--data.source: expected a source of images, got a folder: --data.source Folder --data.source.root /",
    ),
    Case("--temperature 0.5 --model Supervised", "unknown option --temperature"),
    Case("--data.batchsize 3", "unknown option --data.batchsize; did you mean --data.batch_size?"),
    Case("--trainr.max_epochs 3", "unknown option --trainr.max_epochs; did you mean --trainer.max_epochs?"),
    Case("--trainer.max_epoch 3", "unknown option --trainer.max_epoch; did you mean --trainer.max_epochs?"),
    Case("--max_epochs 3", "unknown option --max_epochs; did you mean --trainer.max_epochs?"),
    Case("a.yaml", "unexpected word 'a.yaml'; did you mean --config a.yaml?"),
    Case("--data.batch_size abc", "--data.batch_size: expected a whole number, got abc"),
    Case("--model.temperature warm", "--model.temperature: expected a number, got warm"),
    Case("--model.encoder.width 2.5", "--model.encoder.width: expected a whole number, got 2.5"),
    Case("--trainer.max_epochs abc", "--trainer.max_epochs: expected a whole number, got abc"),
    Case("--compile maybe", "--compile: expected true or false, got maybe"),
    Case(
        "--model.optimization.optimizer adam",
        "--model.optimization.optimizer: expected one of lars, sgd, adamw, got adam",
    ),
    Case("--data.predict_split nowhere", "--data.predict_split: expected one of train, val, test, got nowhere"),
    Case(
        "--trainer.precision 17",
        "--trainer.precision: expected one of 64, 32, 16, transformer-engine, transformer-engine-float16, 16-true, "
        "16-mixed, bf16-true, bf16-mixed, 32-true, 64-true, bf16, got 17",
    ),
    Case("--trainer.logger CSVLoger", "--trainer.logger: unknown name 'CSVLoger'; did you mean CSVLogger?"),
    Case("--trainer.logger CSVLogger", "--trainer.logger: CSVLogger needs 'save_dir' (--trainer.logger.save_dir)"),
    Case(
        "--trainer.callbacks csl.callbacks.ProbeMonitr",
        "--trainer.callbacks: csl.callbacks has no class 'ProbeMonitr'; did you mean ProbeMonitor?",
    ),
    Case("--trainer.callbacks+=FeaturMap", "--trainer.callbacks: unknown name 'FeaturMap'; did you mean FeatureMap?"),
    Case(
        "--trainer.callbacks csl.callbacks.ProbeMonitor --trainer.callbacks.output [encoder]",
        "--trainer.callbacks.output: ProbeMonitor has no option 'output'; did you mean outputs?",
    ),
    Case(
        "--trainer.callbacks [3]",
        "--trainer.callbacks: expected a Callback: a class's name, or class_path and init_args; got 3",
    ),
    Case("--model SimCRL --data.batch_size abc", "--model: unknown name 'SimCRL'; did you mean SimCLR?"),
    Case("--data.batch_size abc --data.num_workrs 2", "--data.batch_size: expected a whole number, got abc"),
    Case("--config none.yaml", "--config: no file none.yaml"),
    Case("--config .", "--config: not a file: ."),
]

IN_A_FILE = [
    in_file(
        BASE + PANEL.replace("Density", "Densty"),
        "a.yaml, line 12: trainer.callbacks.metrics: csl.metrics has no class 'RelativeLocalDensty'; "
        "did you mean RelativeLocalDensity?",
    ),
    in_file(
        BASE + PANEL.replace("csl.metrics.RelativeLocalDensity", "RelativeLocalDensty"),
        "a.yaml, line 12: trainer.callbacks.metrics: unknown name 'RelativeLocalDensty'; "
        "did you mean RelativeLocalDensity?",
    ),
    in_file(
        BASE + PANEL.replace("temperatures", "temperature"),
        "a.yaml, line 14: trainer.callbacks.metrics.temperature: RelativeLocalDensity has no option 'temperature'; "
        "did you mean temperatures?",
    ),
    in_file(
        BASE + PANEL.replace("0.1", "abc"),
        "a.yaml, line 14: trainer.callbacks.metrics.temperatures: expected a number, got abc",
    ),
    in_file(
        BASE + PANEL.replace("Organization", "Organisation"),
        "a.yaml, line 9: trainer.callbacks: csl.callbacks has no class 'OrganisationMetrics'; "
        "did you mean OrganizationMetrics?",
    ),
    in_file(
        BASE + PANEL.replace("csl.callbacks", "csl.calbacks"),
        "a.yaml, line 9: trainer.callbacks: csl has no module 'calbacks'; did you mean callbacks?",
    ),
    in_file(
        BASE + PANEL.replace("metrics:", "metrix:"),
        "a.yaml, line 11: trainer.callbacks.metrix: OrganizationMetrics has no option 'metrix'; did you mean metrics?",
    ),
    in_file(
        BASE + "trainer:\n  callbacks:\n    a: b\n",
        "a.yaml, line 9: trainer.callbacks.a: Callback has no option 'a'; "
        "--trainer.callbacks.help Callback lists what it has",
    ),
    in_file(BASE.replace("SimCLR", "SimCRL"), "a.yaml, line 2: model: unknown name 'SimCRL'; did you mean SimCLR?"),
    in_file(
        BASE.replace("encoder: ConvNet", RESNET),
        "a.yaml, line 7: model.encoder.dept: ResNet has no option 'dept'; did you mean depth?",
    ),
    in_file(
        BASE.replace("encoder: ConvNet", "encoder: 3"),
        "a.yaml, line 4: model.encoder: expected a Network: a class's name, or class_path and init_args; got 3",
    ),
    in_file(
        BASE.replace("  init_args:", "  temperature: 0.1\n  init_args:"),
        "a.yaml, line 3: model.temperature: options of a class stand below init_args, not beside class_path",
    ),
    in_file(
        BASE.replace("source: Digits", "source: Folder"),
        "a.yaml, line 6: data.source: Folder needs 'root' (--data.source.root)",
    ),
    in_file(
        BASE + "trainr:\n  max_epochs: 3\n",
        "a.yaml, line 8: trainr.max_epochs: unknown option; did you mean trainer.max_epochs?",
    ),
    in_file(BASE + "  batchsize: 8\n", "a.yaml, line 7: data.batchsize: unknown option; did you mean data.batch_size?"),
    in_file(BASE + "  batch_size: abc\n", "a.yaml, line 7: data.batch_size: expected a whole number, got abc"),
    in_file(
        BASE + "  batch_size: abc\ntrainr:\n  max_epochs: 3\n",
        "a.yaml, line 7: data.batch_size: expected a whole number, got abc",
    ),
    in_file(BASE + "trainer:\n  - max_epochs: 3\n", "a.yaml, line 7: trainer: expected a mapping, got a list"),
    in_file(
        BASE.replace("data:\n  source: ", "data: "),
        "a.yaml, line 5: data: Digits is a source of images, which goes to data.source",
    ),
    in_file(
        "model:\n  class_path: SimCLR\n init_args: 3\n",
        "a.yaml, line 3, column 2: not valid YAML: expected <block end>, but found '<block mapping start>'",
    ),
    in_file(
        "model:\n\tclass_path: SimCLR\n", "a.yaml, line 2, column 1: not valid YAML: indented with a tab; use blanks"
    ),
    in_file("- a\n- b\n", "a.yaml: expected options such as model:, data: and trainer:, got a list"),
    in_file("# nothing\n", "a.yaml: the file is empty; expected options such as model:, data: and trainer:"),
    in_file(BASE + "trainer: trainr.yaml\n", "a.yaml, line 7: trainer: no file trainr.yaml"),
    in_file(
        BASE + "trainer: other.yaml\n",
        "other.yaml, line 1: trainer.max_epochs: expected a whole number, got abc",
        "max_epochs: abc\n",
    ),
    in_file(
        BASE + "trainer: other.yaml\n",
        "other.yaml, line 2, column 11: not valid YAML: mapping values are not allowed here",
        "max_epochs: 3\n callbacks: a\n",
    ),
    Case(
        "--config a.yaml --config other.yaml",
        "other.yaml, line 2: data.batch_size: expected a whole number, got abc",
        BASE,
        "data:\n  batch_size: abc\n",
    ),
]

OF_ONES_OWN = [
    ("", "--model: no module 'nowhere' in the current folder or among the installed packages", "nowhere.Mine"),
    (
        "",
        "--model: no module 'my_fil' in the current folder or among the installed packages; did you mean my_file?",
        "my_fil.Mine",
    ),
    (
        "class Mine:\n    pass\nclass Other:\n    pass\n",
        "--model: expected a class, got a file of Python; the classes in it: my_file.py:Mine, my_file.py:Other",
        "my_file.py",
    ),
    ("class Mime:\n    pass\n", "--model: my_file has no class 'Mine'; did you mean Mime?", "my_file.Mine"),
    ("class Mine:\n    pass\n", "--model: my_file.Mine is not a subclass of Method", "my_file.Mine"),
    (
        "import math\nimport nowhere_to_be_found\n",
        "--model: cannot import my_file.Mine: my_file.py, line 2: "
        "ModuleNotFoundError: No module named 'nowhere_to_be_found'",
        "my_file.Mine",
    ),
    (
        "x = 1\ny = undefined\n",
        "--model: cannot import my_file.Mine: my_file.py, line 2: NameError: name 'undefined' is not defined",
        "my_file.Mine",
    ),
    (
        "def f(:\n    pass\n",
        "--model: cannot import my_file.Mine: my_file.py, line 1: SyntaxError: invalid syntax",
        "my_file.Mine",
    ),
]

REFUSED = [
    Case("--model.temperature -1", "--model.temperature: expected a positive number, got -1.0"),
    Case("--model.optimization.lr -1", "--model.optimization.lr: expected a number above 0 and finite, got -1.0"),
    Case("--model.encoder.width -1", "--model.encoder.width: expected a positive number, got -1"),
    Case("--data.num_workers -1", "--data.num_workers: expected 'auto' or a number of processes from 0, got -1"),
    Case("--trainer.gradient_clip_val -1", "--trainer.gradient_clip_val: expected 0, for none, or more, got -1"),
    Case("--trainer.strategy dpp", "--trainer.strategy: unknown name 'dpp'; did you mean ddp?"),
    Case("--trainer.accelerator gpuu", "--trainer.accelerator: unknown name 'gpuu'; did you mean gpu?"),
    Case("--trainer.devices 0", "--trainer.devices: expected 1 or more processes, or auto, got 0"),
    Case("--trainer.devices abc", "--trainer.devices: expected 1 or more processes, or auto, got abc"),
    in_file(
        BASE.replace("encoder: ConvNet", "encoder: ConvNet\n    temperature: -1"),
        "a.yaml, line 5: model.temperature: expected a positive number, got -1.0",
    ),
]


def message(folder: Path, case: Case, *more: str) -> tuple[int, str]:
    (folder / "a.yaml").write_text(case.file)
    (folder / "other.yaml").write_text(case.other)
    return failure(folder, "fit", *case.line.split(), *more)


@pytest.mark.parametrize("case", ON_THE_LINE + IN_A_FILE, ids=lambda case: case.said[:60])
def test_a_fault_is_told_in_one_sentence_with_its_place(tmp_path: Path, case: Case) -> None:
    status, text = message(tmp_path, case)
    said = f"csl fit: error: {case.said}"
    assert status == 2
    if said.endswith("…"):  # the rest lists every class there is, those of other tests among them
        assert text.startswith(said.removesuffix("…"))
        assert text.count("\n") == 1
    else:
        assert text == f"{said}\n"


@pytest.mark.parametrize(("module", "said", "path"), OF_ONES_OWN, ids=lambda text: text[:60])
def test_a_fault_in_a_file_of_ones_own_is_told_with_its_line_there(
    tmp_path: Path, module: str, said: str, path: str
) -> None:
    (tmp_path / "my_file.py").write_text(module)
    assert failure(tmp_path, "fit", "--model", path) == (2, f"csl fit: error: {said}\n")


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.said[:60])
def test_a_value_that_is_refused_is_told_with_its_option(tmp_path: Path, case: Case) -> None:
    status, text = message(tmp_path, case, *SMALL_TRAINER)
    assert status == 1
    *_, said, hint = text.splitlines()
    assert said == f"csl fit: error: {case.said}"
    assert hint == "(CSL_TRACEBACK=1 shows where it was raised)"


def test_a_refusal_whose_option_is_unknown_names_the_class_that_was_built(tmp_path: Path) -> None:
    status, text = message(tmp_path, in_file(BASE + PANEL.replace("0.1", "-0.1"), ""), *SMALL_TRAINER)
    assert status == 1
    assert "RelativeLocalDensity: temperature: expected a positive number, got -0.1\n" in text


@pytest.mark.parametrize("error", ["ValueError('mine')", "AttributeError('mine')"])
def test_an_error_in_ones_own_constructor_keeps_its_traceback(tmp_path: Path, error: str) -> None:
    (tmp_path / "my_file.py").write_text(f"{SIMCLR_OWN}        raise {error}\n")
    kind = ValueError if error.startswith("Value") else AttributeError
    with pytest.raises(kind, match="mine") as raised:
        failure(tmp_path, "fit", "--model", "my_file.Mine", *SMALL_TRAINER)
    assert "my_file.py" in str(raised.traceback[-1].path)


def test_more_processes_than_a_machine_takes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    status, text = failure(tmp_path, "fit", "--trainer.accelerator", "cpu", "--trainer.devices", "9")
    assert status == 1
    assert "csl fit: error: --trainer.devices: expected at most 8 processes on 2 cores, got 9\n" in text


def test_other_commands_speak_in_their_own_name(tmp_path: Path) -> None:
    said = "csl predict: error: unknown option --outputt; did you mean --output?\n"
    assert failure(tmp_path, "predict", "--outputt", "a.npz") == (2, said)


def test_the_traceback_of_the_parser_is_there_for_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSL_TRACEBACK", "1")
    status, text = failure(tmp_path, "fit", "--data.batch_size", "abc")
    assert status == 2
    assert "Traceback" in text
    assert text.endswith("csl fit: error: --data.batch_size: expected a whole number, got abc\n")
