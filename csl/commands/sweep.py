"""`csl sweep`: every kept checkpoint of a run, measured, and which of them to take."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from csl.commands.bar import Bar
from csl.commands.console import command
from csl.commands.device import Device
from csl.commands.signatures import Folder

if TYPE_CHECKING:
    from csl.study.outcome import Outcome


def sweep(
    runs: Sequence[Path], *, like: Path | None = None, output: Folder | None = None, device: Device, bar: Bar
) -> "Outcome":
    """Measure every kept checkpoint of a run, and say which of them each label-free measure would choose.

    Each checkpoint gets the whole panel, all probes, and the loss on training and on held-out views; weights are fixed,
    views are the same for all. Then, for RankMe, alpha-ReQ, LiDAR, CLID, uniformity, the loss and all else that needs
    no label: the epoch with its best value, how much linear, kNN and GCN accuracy are lost there against the best
    epoch, and the rank correlation with each of the three over all checkpoints. Of four runs or more that hold a
    single checkpoint each, no epoch is chosen: the correlations say how well each measure ranks the runs.

    RUN/sweep holds what was measured, so that an interrupted sweep goes on where it was; TensorBoard shows it beside
    the training's own curves. What cannot be measured, a checkpoint that cannot be read or a run that has none, is
    named and passed over, and the status is 1.

    Args:
        runs: folders of runs of csl fit, which kept checkpoints (RunCheckpoint with keep_every_n_epochs)
        like: for folders of checkpoints that others trained: the folder of a run with such an encoder, on whose images
            they are measured; csl fit --trainer.max_epochs 1 makes one
        output: a folder for the tables and the picture of all runs together; those of each run are in RUN/sweep
        device: where to compute
        bar: how far the work is

    Examples:
        csl fit --trainer.callbacks+=RunCheckpoint --trainer.callbacks.keep_every_n_epochs 5
        csl sweep lightning_logs/simclr-digits/version_0
        csl sweep lightning_logs/*-digits/version_0 --output study     several runs in one table and one picture
        csl sweep lightning_logs/methods/digits-*/seed_0 --output methods     which measure ranks methods as probes do
        csl sweep dino_checkpoints --like lightning_logs/simclr-folder/version_0
    """
    from csl.commands.names import use_short_names
    from csl.runs import Run, names_of
    from csl.study.sweep import sweep as measure
    from csl.study.sweep_report import sweep_report

    use_short_names()
    swept = []
    with bar as watch:
        for done, (folder, name) in enumerate(zip(runs, names_of(runs), strict=True)):

            def of_all(text: str, share: float, done: int = done) -> None:
                watch(text, (done + share) / len(runs))

            swept.append(measure(Run(folder), name, device, of_all, None if like is None else Run(like)))
    for one in swept:
        sweep_report([one]).write(one.folder)
    return sweep_report(swept).write(output)


run = command(sweep)
