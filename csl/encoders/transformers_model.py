"""Vision models of the transformers library: built, loaded, called and pooled."""

import difflib
import inspect
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

Pooling: TypeAlias = Literal["pooler", "cls", "mean"]
DERIVED = ("stage_names", "out_features", "out_indices")  # what a configuration makes of its number of layers
log = logging.getLogger(__name__)


def library() -> Any:
    """The transformers package.

    Raises:
        ModuleNotFoundError: If it is not installed.
    """
    try:
        import transformers
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "HuggingFace needs the transformers package: pip install 'csl[transformers]'"
        ) from error
    return transformers


def configuration(name: str, options: Mapping[str, Any]) -> tuple[Any, bool]:
    """The configuration of a vision model, and whether the name is a type of model, of which there are no weights.

    Args:
        name: A folder, a name on the Hub, or a type of model.
        options: What the configuration is to say instead.

    Raises:
        ValueError: If there is none, or the model does not see images.
    """
    types, auto = library().models.auto.configuration_auto.CONFIG_MAPPING_NAMES, library().AutoConfig
    is_type = name in types and not Path(name).is_dir()
    if not is_type and "/" not in name and not Path(name).is_dir():
        near = difflib.get_close_matches(name, types, n=3)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise ValueError(f"name: expected a folder, a name on the Hub, or a type of model, got {name!r}{hint}")
    try:
        whole = auto.for_model(name) if is_type else auto.from_pretrained(name)
    except OSError as error:
        raise ValueError(f"name: no model {name!r} ({str(error).strip().partition(chr(10))[0]})") from error
    seeing = getattr(whole, "vision_config", whole)  # of CLIP and its like
    if options:
        stated = {key: value for key, value in seeing.to_diff_dict().items() if key not in DERIVED}
        seeing = type(seeing).from_dict({**stated, **options})
    return seeing, is_type


def built(config: Any, source: str | None, pooling: Pooling | None) -> Any:
    """The model that a configuration describes, with random weights or those of a folder or the Hub.

    A dense layer behind the class token stays only where `pooling` asks for it, see `HuggingFace`.

    Raises:
        ValueError: If the model does not see images.
    """
    if hasattr(config, "mask_ratio"):  # of masked autoencoders: measure whole images
        config.mask_ratio = 0.0
    model, missing = _random(config), []
    if getattr(model, "main_input_name", "") != "pixel_values":
        raise ValueError(f"name: expected a model that sees images, got {type(model).__name__}, which does not")
    if source is not None:
        with quiet():
            model, info = type(model).from_pretrained(
                source, config=config, output_loading_info=True, dtype=torch.float32
            )
        missing = sorted(info["missing_keys"])
    if pooling != "pooler" and hasattr(getattr(model, "pooler", None), "dense"):
        model.pooler = None
    if lacking := [name for name in missing if name in model.state_dict()]:
        log.warning("weights: %s in %s lack %s, left random", type(model).__name__, source, ", ".join(lacking))
    return model


def _random(config: Any) -> Any:
    try:
        return library().AutoModel.from_config(config)
    except ValueError as error:
        first = str(error).partition("\n")[0]
        raise ValueError(f"name: no model of {type(config).__name__} ({first})") from error


def output_of(model: nn.Module, images: Tensor) -> Mapping[str, Tensor]:
    """What a model gives for images `[B, C, H, W]` of any size that it takes: at least "last_hidden_state"."""
    taken = inspect.signature(model.forward).parameters
    more: dict[str, Any] = {}
    if "interpolate_pos_encoding" in taken:
        more["interpolate_pos_encoding"] = True
    if "noise" in taken:  # masked autoencoders sort patches by it
        patches = patch_grid(model.config, images)
        more["noise"] = torch.arange(patches[0] * patches[1], device=images.device).expand(len(images), -1)
    found: Mapping[str, Tensor] = model(pixel_values=images, return_dict=True, **more)
    return found


def pooled(output: Mapping[str, Tensor], pooling: Pooling | None, prefix: int) -> Tensor:
    """One vector for each image, `[B, D]`.

    Args:
        output: What the model gives.
        pooling: "pooler" for its pooled output, "cls" for the class token, "mean" for the mean over positions; the
            first of these that there is if None.
        prefix: How many tokens come before those of patches.

    Raises:
        ValueError: If the model does not have what is asked for.

    Example:
        >>> output = {"last_hidden_state": torch.tensor([[[1.0], [2.0], [4.0]]])}
        >>> pooled(output, None, 1).item(), pooled(output, "mean", 1).item()
        (1.0, 3.0)
    """
    last = output["last_hidden_state"]
    there: dict[Pooling, bool] = {
        "pooler": output.get("pooler_output") is not None,
        "cls": last.ndim == 3 and prefix > 0,
        "mean": last.ndim in (3, 4),
    }
    chosen = next(name for name, is_there in there.items() if is_there) if pooling is None else pooling
    if not there.get(chosen, False):
        names = ", ".join(name for name, is_there in there.items() if is_there)
        raise ValueError(f"pooling: expected one of {names} for this model, got {chosen!r}")
    if chosen == "pooler":
        return output["pooler_output"].flatten(1)
    if chosen == "cls":
        return last[:, 0]
    return last.mean(dim=(2, 3)) if last.ndim == 4 else last[:, prefix:].mean(dim=1)


def prefix_tokens(output: Mapping[str, Tensor], config: Any, images: Tensor) -> int:
    """How many tokens, such as a class token, come before those of the patches."""
    last, grid = output["last_hidden_state"], patch_grid(config, images)
    return max(0, last.shape[1] - grid[0] * grid[1]) if last.ndim == 3 and grid[0] else 0


def patch_grid(config: Any, images: Tensor) -> tuple[int, int]:
    """How many patches images `[B, C, H, W]` have downwards and across; none where the model has no patches."""
    patch = square(getattr(config, "patch_size", None))
    return (images.shape[2] // patch, images.shape[3] // patch) if patch else (0, 0)


def square(size: Any) -> int | None:
    """A side in pixels, stated once or twice; None where it is no square or not stated.

    Example:
        >>> square([16, 16]), square(14), square((8, 16)), square(None)
        (16, 14, None, None)
    """
    sides = set(size) if isinstance(size, list | tuple) else {size}
    side = sides.pop() if len(sides) == 1 else None
    return side if isinstance(side, int) else None


@contextmanager
def quiet() -> Iterator[None]:
    """Within the block, transformers draws no bars and lists no weights."""
    logging_ = library().utils.logging
    level, bars = logging_.get_verbosity(), logging_.is_progress_bar_enabled()
    logging_.set_verbosity_error()
    logging_.disable_progress_bar()
    try:
        yield
    finally:
        logging_.set_verbosity(level)
        if bars:
            logging_.enable_progress_bar()
