"""What every table of results says about where it was measured."""

import os
import platform
from pathlib import Path

import torch

import csl

# Elsewhere for a trial at toy size, whose numbers are nobody's results.
RESULTS = Path(os.environ.get("CSL_BENCHMARK_RESULTS") or Path(__file__).parent / "results")


def machine() -> str:
    """One line that names the machine and the versions."""
    gpu = f"{torch.cuda.get_device_name()}, " if torch.cuda.is_available() else ""
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, csl {csl.__version__}"
    return f"{gpu}{_cpu()}, {os.cpu_count()} cores; {versions}"


def report(name: str, title: str, command: str, body: str) -> None:
    """Print a result and write it to `benchmarks/results/<name>.md`, with the machine and the command beside it."""
    text = f"# {title}\n\n{machine()}\n\n    {command}\n\n{body.strip()}\n"
    print(text)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text)


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
