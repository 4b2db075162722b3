"""One self-contained page of a comparison."""

from csl.study.report.page import page

__all__ = ["page"]
