"""Files from strangers: read as data, whatever is in them."""

import argparse
import builtins
import collections
import os
import pathlib
import random
import subprocess
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from csl.encoders.weight_files import read_tensors
from tests.encoders.projects import resnet

OLD = pytest.mark.parametrize("is_new", [True, False], ids=["zip", "before torch 1.6"])


class Calling:
    """An object that a careless reader would make by calling a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def hostile(target: Path) -> dict[str, Calling]:
    """Ways to make a folder or a file, by what a message names."""
    code = f"import os; os.mkdir({str(target)!r})"
    return {
        "posix.system": Calling(os.system, f"mkdir {target}"),
        "posix.mkdir": Calling(os.mkdir, str(target)),
        "exec": Calling(builtins.exec, code),
        "eval": Calling(builtins.eval, f"__import__('os').mkdir({str(target)!r})"),
        "getattr": Calling(getattr, "a", "upper"),
        "commands.Popen": Calling(subprocess.Popen, ["mkdir", str(target)]),
        "torch.hub.load": Calling(torch.hub.load, "a/b", "c"),
        "torch.serialization.load": Calling(torch.load, str(target)),
        "numpy.testing._private.utils.runstring": Calling(np.testing._private.utils.runstring, code, {}),
        "timm.models._factory.create_model": Calling(pytest.importorskip("timm").create_model, "resnet18"),
    }


@OLD
@pytest.mark.parametrize("name", sorted(hostile(Path())))
def test_what_would_run_is_refused_by_name_and_does_not(name: str, is_new: bool, tmp_path: Path) -> None:
    target = tmp_path / "owned"
    content = {"state_dict": {"a.weight": torch.ones(2)}, "extra": [{"deep": (hostile(target)[name],)}]}
    torch.save(content, tmp_path / "evil.pth", _use_new_zipfile_serialization=is_new)
    with pytest.raises(ValueError, match=rf"weights: expected tensors .*evil.pth, which wants to call {name}; nothing"):
        read_tensors(tmp_path / "evil.pth")
    assert not target.exists()


@OLD
def test_harmless_objects_beside_the_weights_do_no_harm(is_new: bool, tmp_path: Path) -> None:
    content = {
        "args": argparse.Namespace(lr=0.1, out=pathlib.PosixPath("out"), more=types.SimpleNamespace(a=1)),
        "best": np.float64(0.5),
        "curve": np.arange(3.0),
        "dtype": np.dtype("int16"),
        "by_name": collections.defaultdict(list, {"a": [1]}),
        "random": np.random.RandomState(0),
        "generator": np.random.default_rng(0),
        "config": collections.defaultdict(dict, {"model": {"weight": torch.ones(1)}}),
        "model": collections.OrderedDict(weight=torch.ones(2)),
    }
    torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=is_new)
    found = read_tensors(tmp_path / "a.pth")
    assert {name: list(tensor.shape) for name, tensor in found.items()} == {
        "config.model.weight": [1],
        "model.weight": [2],
    }


def test_classes_of_packages_that_are_not_there_are_never_imported(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "stranger.py").write_text("class Config(dict): pass\nclass Options:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    import stranger  # type: ignore[import-not-found]

    config = stranger.Config(weight=torch.ones(3))
    options = stranger.Options()
    options.lr = 0.1
    torch.save({"config": config, "options": options, "model": {"weight": torch.ones(2)}}, tmp_path / "a.pth")
    (tmp_path / "stranger.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.delitem(__import__("sys").modules, "stranger")
    assert list(read_tensors(tmp_path / "a.pth")) == ["config.weight", "model.weight"]


def test_a_whole_module_is_its_weights(tmp_path: Path) -> None:
    model = resnet(seed=1)
    torch.save({"model": model, "ema": nn.Sequential(nn.Linear(2, 2), nn.Dropout())}, tmp_path / "a.pth")
    found = read_tensors(tmp_path / "a.pth")
    names = [f"model.{name}" for name in model.state_dict()] + ["ema.0.weight", "ema.0.bias"]
    assert found.keys() == set(names)
    assert torch.equal(found["model.layer4.0.bn2.running_var"], model.layer4[0].bn2.running_var)


def test_circles_and_towers_end(tmp_path: Path) -> None:
    circle: dict[str, Any] = {"weight": torch.ones(2)}
    circle["again"] = circle
    tower: list[Any] = [torch.ones(1)]
    for _ in range(60):
        tower = [tower, tower]
    torch.save({"circle": circle, "tower": tower}, tmp_path / "a.pth")
    assert len(read_tensors(tmp_path / "a.pth")) == 2


def test_what_is_no_plain_tensor_is_passed_over(tmp_path: Path) -> None:
    content = {
        "sparse": torch.eye(2).to_sparse(),
        "complex": torch.ones(2, dtype=torch.complex64),
        "plain": torch.ones(1),
    }
    torch.save(content, tmp_path / "a.pth")
    assert list(read_tensors(tmp_path / "a.pth")) == ["plain"]


@pytest.mark.parametrize("name", ["a.pth", "a.ckpt", "a.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "bits", "empty", "text"])
def test_damaged_files_are_said_to_be(name: str, damage: str, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / name
    state = {f"layer.{i}.weight": torch.randn(16, 16) for i in range(20)}
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=path.suffix == ".pth")
    whole = path.read_bytes()
    flipped = bytes(255 - byte for byte in whole[:400]) + whole[400:]
    path.write_bytes(
        {"cut": whole[: len(whole) // 2], "bits": flipped, "empty": b"", "text": b"<html>404</html>"}[damage]
    )
    with pytest.raises(
        ValueError, match=rf"weights: expected a file of weights, got .*{name}, which is damaged or none \("
    ):
        read_tensors(path)


@pytest.mark.parametrize("seed", range(20))
def test_any_flipped_bytes_are_an_error_or_tensors(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    torch.save({"state_dict": {"weight": torch.ones(3)}, "args": argparse.Namespace(a=1)}, tmp_path / "a.pth")
    content = bytearray((tmp_path / "a.pth").read_bytes())
    for _ in range(8):
        content[draw.randrange(len(content))] = draw.randrange(256)
    (tmp_path / "a.pth").write_bytes(content)
    try:
        found = read_tensors(tmp_path / "a.pth")
    except ValueError as error:
        assert str(error).startswith("weights: expected ")  # noqa: PT017
    else:
        assert all(isinstance(tensor, torch.Tensor) for tensor in found.values())


@pytest.mark.parametrize(
    ("name", "said"), [("none.pth", "no file of this machine"), (".", "a folder; name the file in it")]
)
def test_what_is_no_file(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"weights: expected a file of weights, got .*, {said}"):
        read_tensors(tmp_path / name)
    with pytest.raises(ValueError, match="no file of this machine"):
        read_tensors("https://example.org/weights.pth")
