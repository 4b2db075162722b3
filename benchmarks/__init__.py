"""Speed and memory, measured by hand: `python -m benchmarks.NAME --help`; results stand in `benchmarks/results`."""
