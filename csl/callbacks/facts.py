"""What a methods section says of a training, read from the objects at work, as plain values."""

import inspect
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from itertools import groupby
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from torch import nn

from csl.callbacks.feature_callback import FeatureCallback
from csl.data import ImageDataModule
from csl.encoders import Encoder
from csl.methods import Method
from csl.methods.measuring import precision_of_features
from csl.methods.run import global_batch_size, steps_per_epoch, total_steps

GROUP = ("name", "initial_lr", "rate", "constant", "weight_decay")  # of a group of an optimizer
FEATURES = (
    "rows divided by their norm where a callback below has normalize: true, else as the encoder gives them. Measures "
    "of directions and the similarity graph divide by the norm in any case; the linear probe standardises each "
    "column"
)


def method_facts(module: LightningModule, config: Mapping[str, Any]) -> dict[str, Any]:
    """The class of a method, its arguments, and the views it trains on."""
    given = dict(config.get("init_args", {}))
    known = {name: value for name, value in given.items() if name not in ("encoder", "optimization")}
    facts = {"class_path": class_path(module), "init_args": known | arguments(module)}
    views = [plain(view._asdict()) for view in module.views] if isinstance(module, Method) else []
    return facts | {"views": views, "parameters": count_parameters(module)}


def encoder_facts(encoder: nn.Module, config: Any) -> dict[str, Any]:
    """The class and the arguments from which an encoder can be built again, its size, and its window."""
    facts: dict[str, Any] = {"class_path": class_path(encoder), "init_args": arguments(encoder)}
    if isinstance(config, Mapping) and config.get("class_path"):
        given = dict(config.get("init_args") or {})
        if str(config["class_path"]).rpartition(".")[2] == type(encoder).__name__:
            facts["init_args"] = given | {k: v for k, v in facts["init_args"].items() if v is not None}
        else:  # a module that became an encoder
            facts = {"class_path": config["class_path"], "init_args": given}
    if "image_size" in facts["init_args"]:
        facts["init_args"]["image_size"] = getattr(encoder, "native_size", None)
    if isinstance(encoder, Encoder):  # what was left open, such as a ResNet's stem, is what the network has
        found = encoder.sizes(encoder.state_dict())
        left_open = {name for name, value in facts["init_args"].items() if value is None}
        facts["init_args"] |= {name: value for name, value in found.items() if name in left_open}
    facts["feature_dim"] = getattr(encoder, "feature_dim", None)
    facts["parameters"] = count_parameters(encoder)
    window = {name: getattr(encoder, name, None) for name in ("mean", "std")}
    return facts | {name: value.tolist() for name, value in window.items() if value is not None}


def optimization_facts(trainer: Trainer, module: LightningModule) -> dict[str, Any]:
    """The optimizer, with the rate that it really starts from, and how many steps it takes."""
    facts: dict[str, Any] = {
        "epochs": trainer.max_epochs,
        "accumulate_grad_batches": trainer.accumulate_grad_batches,
        "gradient_clip_val": trainer.gradient_clip_val,
    }
    if isinstance(module, Method):
        steps, batch = total_steps(trainer), global_batch_size(trainer)
        given = asdict(module.optimization)
        warmup = min(steps, math.ceil(module.optimization.warmup_epochs * steps_per_epoch(trainer)))
        facts |= given | {"global_batch_size": batch, "scaled_lr": module.optimization.scaled_lr(batch)}
        facts |= {"steps": steps, "steps_per_epoch": plain(steps_per_epoch(trainer)), "warmup_steps": warmup}
    facts["groups"] = [
        {name: plain(group[name]) for name in GROUP if name in group}
        for optimizer in trainer.optimizers
        for group in optimizer.param_groups
    ]
    return facts


def data_facts(data: Any) -> dict[str, Any]:
    """What was read, and how it becomes views."""
    if not isinstance(data, ImageDataModule):
        return {"class_path": class_path(data), "init_args": arguments(data)} if data is not None else {}
    recipes = [plain(asdict(one.recipe(data.image_size))) for one in data.augmentations]
    return {
        "source": {"class_path": class_path(data.source), "init_args": arguments(data.source)},
        "read": data.record.to_dict(),
        "batch_size": data.batch_size,
        "image_size": data.image_size,
        "channels": data.num_channels,
        "seed": data.seed,
        "augmentations": [{"views": len(list(same)), **recipe} for recipe, same in groupby(recipes)],
        **({"transforms": list(map(repr, data.transforms))} if data.transforms else {}),
    }


def measuring_facts(trainer: Trainer) -> dict[str, Any]:
    """What is measured, how often, and on what."""
    monitors = [one for one in trainer.callbacks if isinstance(one, FeatureCallback)]  # type: ignore[attr-defined]
    return {
        "precision": precision_of_features(trainer.precision),
        "features": FEATURES,
        "every_n_epochs": trainer.check_val_every_n_epoch,
        "callbacks": [{"class_path": class_path(one), **arguments(one, _described)} for one in monitors],
    }


def arguments(thing: Any, describe: Any = None) -> dict[str, Any]:
    """The arguments of a constructor that its object keeps under the same names, as plain values.

    Example:
        >>> from csl.data import Digits
        >>> arguments(Digits(seed=3))
        {'seed': 3}
    """
    names = inspect.signature(type(thing).__init__).parameters
    values = {name: getattr(thing, name) for name in names if name != "self" and hasattr(thing, name)}
    if describe is not None:
        return {name: describe(value) for name, value in values.items()}
    return {name: plain(value) for name, value in values.items() if is_plain(value)}


def flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Mappings in mappings as one, for loggers that know numbers and words alone; lists of numbers become words.

    Example:
        >>> dict(flat({"data": {"batch_size": 4, "size": [8, 8]}}))
        {'data/batch_size': 4, 'data/size': '[8, 8]'}
    """
    for name, value in tree.items():
        if isinstance(value, list) and any(isinstance(entry, Mapping) for entry in value):
            value = dict(enumerate(value))
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", str(value) if isinstance(value, list) else value


def class_path(thing: Any) -> str:
    """Where a thing's class is found."""
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def count_parameters(module: nn.Module) -> int:
    """The number of weights that are trained."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def is_plain(value: Any) -> bool:
    """Whether a value is made of numbers, words, lists and mappings, or is the name of a file."""
    if isinstance(value, Mapping):
        return all(map(is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    return value is None or isinstance(value, bool | int | float | str) or hasattr(value, "__fspath__")


def plain(value: Any) -> Any:
    """A value as YAML and JSON hold it: tuples are lists, what is infinite or no number is a word.

    Example:
        >>> plain({"size": (1, 2), "end": float("inf")})
        {'size': [1, 2], 'end': 'inf'}
    """
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if value is None or isinstance(value, bool | int):
        return value
    return str(value).encode("utf-8", "backslashreplace").decode()


def _described(value: Any) -> Any:
    """A plain value; an object as its class with what it keeps of its arguments."""
    if is_plain(value):
        return plain(value)
    if isinstance(value, Mapping):
        return {str(name): _described(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_described(entry) for entry in value]
    return {"class_path": class_path(value), **arguments(value)}
