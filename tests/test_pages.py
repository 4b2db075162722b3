"""What README.md and the documentation show works as it stands there.

Commands that take seconds are run, with networks, trainings and sets of images made small; of the others the line is
parsed. Each page starts in an empty folder, so that a tutorial is carried out from its beginning.
"""

import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import sklearn.datasets

from csl.cli import COMMANDS
from tests.commands.images import write_folder
from tests.commands.runs import SMALL_TRAINER, csl, inside
from tests.pages import PAGES, README, ROOT, Block, blocks_of, text_of

# Other data, weights or processes than a test has: such a line is parsed.
PARSED = re.compile(r"cifar10|mnist|devices|Timm|--config digits --config panel")
FEW = ["--trainer.max_epochs", "1", "--trainer.limit_train_batches", "2", "--data.batch_size", "16", *SMALL_TRAINER]
FEW += ["--model.encoder.width", "2"]
SMALLER = {
    "fit": ["--trainer.max_epochs", "2"],
    "map": ["--max-samples", "60", "--projections", "pca"],
    "neighbors": ["--count", "2", "--pairs", "2"],
    "overlap": ["--draws", "1000"],
    "shapes": ["--draws", "1"],
}
# Nothing that comes later on a page needs what these write.
ONCE = ("validate", "map", "neighbors", "compare", "overlap", "shapes")
TRAINER = ("fit", "validate", "test", "predict")
REFERENCE = "lightning_logs/reference"  # in every clone
HOURS = "lightning_logs/methods/"  # made by benchmarks.methods
DIGITS_RUN = "lightning_logs/simclr-digits/version_0"
EVERY_EPOCH = ["--trainer.callbacks.keep_every_n_epochs", "1"]
OTHER_PROGRAMS = {"tensorboard", "source"}
IMAGES = 400


@pytest.fixture(autouse=True)
def few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = sklearn.datasets.load_digits()

    def some(return_X_y: bool = False) -> Any:
        if return_X_y:
            return everything.data[:IMAGES], everything.target[:IMAGES]
        cut = {name: everything[name][:IMAGES] for name in ("data", "images", "target")}
        return sklearn.utils.Bunch(**cut)

    monkeypatch.setattr(sklearn.datasets, "load_digits", some)
    monkeypatch.setattr("csl.data.digits._HELD_OUT", 100)


@pytest.fixture(autouse=True)
def own_modules() -> Iterator[None]:
    """The files of one page are not those of another, though they may be called the same."""
    _forget_own_modules()
    yield
    _forget_own_modules()


def _forget_own_modules() -> None:
    for name in [name for name in sys.modules if name.startswith("my_")]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def fits(tmp_path_factory: pytest.TempPathFactory) -> "Fits":
    return Fits(tmp_path_factory.mktemp("fits"))


class Fits:
    """Finished fits by their lines: what several pages show is trained once, and looked at once.

    Args:
        folder: Where runs are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: dict[str, tuple[Path, str]] = {}
        self.done: set[str] = set()

    def fit(self, place: Path, words: Sequence[str], *small: str) -> None:
        """Train in a folder, or put the run there that another page has trained."""
        line = shlex.join(words)
        if line in self.kept:
            kept, name = self.kept[line]
            where = place / "lightning_logs" / name
            shutil.copytree(kept, where / f"version_{len(list(where.glob('version_*')))}")
            return
        before = set(place.glob("lightning_logs/*/version_*"))
        csl(place, *words, *small)
        (run,) = set(place.glob("lightning_logs/*/version_*")) - before
        kept = self.folder / str(len(self.kept))
        shutil.copytree(run, kept)
        self.kept[line] = kept, run.parent.name


@pytest.mark.filterwarnings("ignore:NeighborAgreement is undefined here.*other samples")  # the sets are small here
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_its_code_and_commands_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: Path, fits: Fits) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    if re.search(r"\bDIR\b", text_of(page)):
        write_folder(tmp_path / "DIR", classes=2, train=32, val=12)
    (tmp_path / "FILE").touch()
    for block in blocks_of(page):
        if block.file:
            (tmp_path / block.file).write_text(block.text)
        elif block.language == "python":
            run_python(tmp_path, block)
        elif block.language == "sh":
            for command in block.commands():
                run_command(tmp_path, shlex.split(command), fits)


def run_python(folder: Path, block: Block) -> None:
    """Run a block."""
    code = block.text.replace("max_epochs=10", "max_epochs=1")
    with inside(folder):
        exec(compile(code, "page", "exec"), {"__name__": "__main__"})


def run_command(folder: Path, words: list[str], fits: Fits) -> None:
    """Run a command, or parse it."""
    program, *rest = words
    if program == "csl":
        run_csl(folder, rest, fits)
    elif program in ("torchrun", "srun"):
        run_csl(folder, words[words.index("csl") + 1 :], fits)
    elif words[:2] == ["python", "-m"]:
        check_benchmark(folder, rest[1], rest[2:])
    elif program == "make":
        assert re.search(rf"^{re.escape(rest[0])}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif program == "pip":
        extras = {extra for word in rest for extra in re.findall(r"\[(\w+)\]", word)}
        assert all(f"\n{extra} = [" in (ROOT / "pyproject.toml").read_text() for extra in extras)
    else:
        assert program in OTHER_PROGRAMS


def run_csl(folder: Path, words: list[str], fits: Fits) -> None:
    """Run a line of csl made small, or parse it."""
    words = [found for word in words for found in (HOURS not in word and matching(folder, word)) or [word]]
    line = shlex.join(words)
    if DIGITS_RUN in line and not (folder / DIGITS_RUN).exists():
        fits.fit(folder, ["fit"], *FEW)
    if REFERENCE in line:
        shutil.copytree(ROOT / REFERENCE, folder / REFERENCE)
    if words[0] in TRAINER and PARSED.search(line):
        csl(folder, *words, "--print_config")
    elif HOURS in line:
        known = csl(folder, words[0], "--help")
        assert all(word in known for word in words if word.startswith("--"))
    elif words[0] == "fit" and "--resume" not in words:
        fits.fit(folder, words, *FEW, *(EVERY_EPOCH if "keep_every_n_epochs" in line else []))
    elif line not in fits.done:
        csl(folder, *words, *SMALLER.get(words[0], []))
        fits.done |= {line} if words[0] in ONCE or "--resume" in words else set()


def matching(folder: Path, word: str) -> list[str]:
    """What a pattern such as `lightning_logs/*/version_*` stands for, as a shell finds it."""
    return sorted(str(found.relative_to(folder)) for found in folder.glob(word)) if "*" in word else []


def check_benchmark(folder: Path, module: str, words: Sequence[str]) -> None:
    """A benchmark exists and knows each option; `csl fit` knows `--config` and those with a dot, at the end."""
    source = (ROOT / f"{module.replace('.', '/')}.py").read_text()
    own = list(takewhile(lambda word: not (word == "--config" or (word.startswith("--") and "." in word)), words))
    assert all(f'"{word}"' in source for word in own if word.startswith("--"))
    if handed_on := words[len(own) :]:
        assert "parse_known_args" in source
        csl(folder, "fit", *handed_on, "--print_config")


def test_the_readme_can_be_read_at_one_sitting() -> None:
    assert len(README.read_text().splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_its_links_and_pictures_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).is_file()] == []


def test_what_guarantees_name_exists() -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", (ROOT / "docs" / "guarantees.md").read_text())
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_pictures_are_small() -> None:
    pictures = list((ROOT / "docs" / "images").iterdir())
    assert pictures
    assert all(picture.stat().st_size < 300_000 for picture in pictures)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_its_sentences_exist(page: Path) -> None:
    assert set(re.findall(r"`csl ([\w-]+)", text_of(page))) <= {*COMMANDS, "--help", "--version"}
