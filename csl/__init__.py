"""csl trains contrastive and supervised image encoders and shows how each one organizes images."""

from csl.version import __version__

__all__ = ["__version__"]
