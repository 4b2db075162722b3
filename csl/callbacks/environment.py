"""Where and with what a program runs: what somebody needs who wants to run it again."""

import platform
import re
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch


def environment(device: torch.device) -> dict[str, Any]:
    """The device, the versions of csl and its libraries, and the commit of the working directory.

    Example:
        >>> sorted(environment(torch.device("cpu")))
        ['device', 'git', 'versions']
    """
    return {"device": device_name(device), "versions": versions(), "git": commit()}


def command_line() -> str:
    """The program and its arguments, as they could be typed again."""
    program = Path(sys.argv[0]).name or "python"
    return shlex.join([program, *sys.argv[1:]]).encode("utf-8", "backslashreplace").decode()


def device_name(device: torch.device) -> str:
    """What a device is called by whoever made it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    known = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", known.read_text()) if known.is_file() else None
    return found[1] if found else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """The versions of Python, csl, and what csl stands on, as far as they are installed."""
    from csl.version import __version__

    found = {"python": platform.python_version(), "csl": __version__}
    for name in _requirements():
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # one of those that are needed for some work only
    return found | ({"cuda": torch.version.cuda} if torch.version.cuda else {})


def commit(folder: str | Path = ".") -> dict[str, Any] | None:
    """The Git commit of a folder, and whether files that Git knows have been changed since; None without Git.

    Example:
        >>> commit("/") is None
        True
    """
    head = _git(folder, "rev-parse", "HEAD")
    if not head:
        return None
    return {"commit": head, "changed": bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))}


def _git(folder: str | Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _requirements() -> list[str]:
    """The names of the libraries that csl asks for; a few where csl was not installed."""
    try:
        asked = metadata.requires("csl") or []
    except metadata.PackageNotFoundError:
        asked = ["torch", "torchvision", "lightning", "numpy"]
    names = (re.match(r"[\w-]+", line) for line in asked if "extra == 'dev'" not in line.replace('"', "'"))
    return sorted({name[0] for name in names if name})
