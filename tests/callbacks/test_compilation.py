from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from torch import Tensor

from csl.callbacks import Compilation
from csl.methods import Method
from tests.methods.toy import METHODS, ToyData, toy_method, toy_trainer


def fitted(name: str, **options: Any) -> Method:
    method = toy_method(name)
    toy_trainer(**options).fit(method, datamodule=ToyData(method.views))
    return method


def state(method: Method) -> dict[str, Tensor]:
    return {key: value for key, value in method.state_dict().items() if isinstance(value, Tensor)}


# "eager" traces as the default does, leaves out the minutes of a C++ compiler, and changes no rounding.
@pytest.mark.parametrize("name", METHODS)
def test_a_compiled_fit_reaches_the_same_weights(name: str) -> None:
    torch._dynamo.reset()
    compiled = fitted(name, callbacks=[Compilation("eager")])
    plain = fitted(name)
    assert any(part._compiled_call_impl is not None for part in compiled.children())
    torch.testing.assert_close(state(compiled), state(plain), rtol=0, atol=0)


def test_names_in_a_checkpoint_stay() -> None:
    method = toy_method("SimCLR")
    before = list(method.state_dict())
    Compilation().setup(Trainer(accelerator="cpu", logger=False), method, "fit")
    assert list(method.state_dict()) == before


def test_a_validation_is_not_compiled() -> None:
    method = toy_method("SimCLR")
    Compilation().setup(Trainer(accelerator="cpu", logger=False), method, "validate")
    assert all(part._compiled_call_impl is None for part in method.children())
