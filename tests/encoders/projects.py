"""How projects write their checkpoints: the same network in the layout of each."""

import argparse
import collections
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock
from torchvision.models.resnet import ResNet as TorchvisionResNet

State = dict[str, Tensor]


def resnet(seed: int = 0, classes: int = 7) -> Any:
    """torchvision's ResNet-10, with statistics of batch norm that are not those of a new one."""
    torch.manual_seed(seed)
    model = TorchvisionResNet(BasicBlock, [1, 1, 1, 1], num_classes=classes)
    with torch.no_grad():
        model.train()(torch.rand(4, 3, 32, 32))
    return model.eval()


def features_of(model: Any, images: Tensor) -> Tensor:
    """What the model gives before its classifier."""
    classifier, model.fc = model.fc, nn.Identity()
    try:
        with torch.no_grad():
            return model(images)  # type: ignore[no-any-return]
    finally:
        model.fc = classifier


def behind(prefix: str, model: nn.Module) -> State:
    """A network's tensors with a prefix before their names."""
    return {f"{prefix}{name}": tensor for name, tensor in model.state_dict().items()}


def head(prefix: str) -> State:
    return {f"{prefix}.0.weight": torch.randn(8, 512), f"{prefix}.0.bias": torch.randn(8)}


def bare(model: nn.Module) -> nn.Module:
    """Without its classifier, as `nn.Sequential(*list(model.children())[:-1])`."""
    return nn.Sequential(*list(model.children())[:-1])


def without_fc(model: nn.Module) -> nn.Module:
    model.fc = nn.Identity()
    return model


def momentum_of(state: State) -> dict[str, Any]:
    """An optimizer with a tensor for each weight."""
    return {"state": {i: {"momentum_buffer": tensor} for i, tensor in enumerate(state.values())}, "param_groups": []}


def _moco_v2(model: nn.Module, other: nn.Module) -> Any:
    state = {
        **behind("module.encoder_q.", model),
        **behind("module.encoder_k.", other),
        "module.queue": torch.ones(8, 4),
    }
    return {"epoch": 200, "arch": "resnet10", "state_dict": state, "optimizer": momentum_of(state)}


def _moco_v3(model: nn.Module, other: nn.Module) -> Any:
    state = {**behind("module.base_encoder.", model), **behind("module.momentum_encoder.", other)}
    return {"epoch": 300, "state_dict": state | head("module.predictor"), "scaler": {"scale": 1024.0}}


def _dino(model: nn.Module, other: nn.Module) -> Any:
    student = {**behind("module.backbone.", without_fc(other)), **head("module.head.mlp")}
    teacher = {**behind("backbone.", without_fc(model)), **head("head.mlp")}
    args = argparse.Namespace(arch="resnet10", lr=np.float32(0.1), output_dir=Path("out"), size=np.int64(3))
    return {"student": student, "teacher": teacher, "args": args, "dino_loss": {"center": torch.zeros(1, 8)}}


def _lightning(state: State) -> Any:
    """What Lightning writes around a state dict, with what it wrote in other years."""
    return {
        "state_dict": state,
        "pytorch-lightning_version": "1.5.0",
        "hyper_parameters": {"started": datetime.datetime(2021, 5, 3), "by_name": collections.defaultdict(list, a=[1])},
        "callbacks": {nn.Linear: {"best_model_score": torch.tensor(0.5), "dtype": np.dtype("float32")}},
    }


# By project: what is saved of a network, where another like it may be there, too.
LAYOUTS: dict[str, Callable[[nn.Module, nn.Module], Any]] = {
    "torchvision": lambda model, _: model.state_dict(),
    "a whole module": lambda model, _: model,
    "data parallel": lambda model, _: {"state_dict": behind("module.", model), "best_acc1": torch.tensor(1.0)},
    "compiled": lambda model, _: behind("_orig_mod.", model),
    "timm": lambda model, other: {"state_dict": other.state_dict(), "state_dict_ema": model.state_dict()},
    "MoCo v1, v2": _moco_v2,
    "MoCo v3": _moco_v3,
    "SimSiam": lambda model, _: {"state_dict": {**behind("module.encoder.", model), **head("module.predictor")}},
    "DINO": _dino,
    "DINOv2": lambda model, _: {"teacher": {**behind("backbone.", without_fc(model)), **head("dino_head.mlp")}},
    "BYOL (lucidrains)": lambda model, other: {
        **behind("online_encoder.net.", model),
        **behind("target_encoder.net.", other),
        **head("online_predictor.net"),
    },
    "BYOL (sthalles)": lambda model, other: {
        "online_network_state_dict": {**behind("encoder.", bare(model)), **head("projetion.net")},
        "target_network_state_dict": {**behind("encoder.", bare(other)), **head("projetion.net")},
    },
    "SwAV": lambda model, _: {**behind("module.", without_fc(model)), **head("module.projection_head")},
    "Barlow Twins": lambda model, _: {"model": {**behind("module.backbone.", model), **head("module.projector")}},
    "lightly": lambda model, other: _lightning(
        {
            **behind("backbone.", bare(model)),
            **behind("backbone_momentum.", bare(other)),
            **head("projection_head.0"),
        }
    ),
    "lightly, distilled": lambda model, other: _lightning(
        {**behind("student_backbone.", without_fc(other)), **behind("teacher_backbone.", without_fc(model))}
    ),
    "solo-learn": lambda model, other: _lightning(
        {
            **behind("backbone.", without_fc(model)),
            **behind("momentum_backbone.", without_fc(other)),
            **head("projector"),
            "classifier.weight": torch.randn(7, 512),
        }
    ),
    "stable-pretraining": lambda model, other: _lightning(
        {
            **behind("backbone.teacher.", without_fc(model)),
            **behind("backbone.student.", without_fc(other)),
            **head("projector"),
            "callbacks_modules.probe.weight": torch.randn(7, 512),
        }
    ),
    "a network in a network": lambda model, _: {"network": behind("model.net.", without_fc(model))},
}
