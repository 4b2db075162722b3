"""csl trains contrastive and supervised image encoders and shows how each one organizes images."""

from typing import TYPE_CHECKING, Any

from csl.version import __version__

if TYPE_CHECKING:
    from csl.encoders.saved import load_encoder as load_encoder

__all__ = ["__version__", "load_encoder"]


if not TYPE_CHECKING:  # a type checker that saw this would accept any name

    def __getattr__(name: str) -> Any:
        """Load what needs torch when it is first asked for."""
        if name != "load_encoder":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from csl.encoders.saved import load_encoder

        return load_encoder
