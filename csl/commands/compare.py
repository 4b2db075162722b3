"""`csl compare`: several encoders on the same images, in one page that can be sent."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from csl.commands.bar import Bar
from csl.commands.console import command
from csl.commands.device import Device

if TYPE_CHECKING:
    from csl.study.compare_report import Written


def compare(
    subjects: Sequence[Path],
    *,
    output: Path = Path("compare.html"),
    format: Literal["html", "md", "csv", "json", "latex", "png", "svg"] | None = None,
    group: Literal["folder", "method", "none"] = "folder",
    like: Path | None = None,
    seed: int = 0,
    device: Device,
    bar: Bar,
) -> "Written":
    """Compare encoders on the same images: one page that needs no network and can be sent, one table or one picture.

    The page shows the plane of local against global density, all numbers with mean and spread over seeds, curves over
    epochs where checkpoints were kept, aligned maps on which a point shows its image and its neighbours in every
    encoder, whose neighbours changed most, how alike encoders are, which classes share neighbourhoods, and what the
    runs were told differently.

    What csl sweep has measured is taken from RUN/sweep; a run's last checkpoint is measured now where it was not. Runs
    on other images, and runs without a checkpoint, are set apart, with the reason.

    Args:
        subjects: folders of runs, checkpoints in them, or files of features of the same images
        output: the file to write
        format: html is the page; md, csv, json and latex are the table alone, png and svg the plane of local against
            global density alone; the ending of --output says it if not given
        group: whose mean and spread are shown: folder is runs in one folder, such as lightning_logs/simclr-digits, that
            nothing but seeds, devices and the like tells apart; method is all runs of a method, whatever else differs;
            none is each run
        like: where subjects are checkpoints that others trained, or folders of them: the folder of a run with such an
            encoder, on whose images they are compared
        seed: of the images on the maps, and of the maps
        device: where to compute
        bar: how far the work is

    Examples:
        csl compare lightning_logs/simclr-digits/version_0 lightning_logs/supervised-digits/version_0
        csl compare lightning_logs/methods/digits-*/seed_* --output digits.html
        csl compare simclr.npz clip.npz --output two.html
        csl compare moco.pth dino.pth RUN --like RUN      RUN is the folder of a run with such an encoder
        csl compare lightning_logs/methods/digits-*/seed_* --format latex --output table.tex
        csl compare lightning_logs/methods/digits-*/seed_* --output plane.png
    """
    from csl.commands.names import use_short_names
    from csl.study.compare import comparison
    from csl.study.compare_report import write
    from csl.study.entries import read_entries, without_checkpoint

    use_short_names()
    missing = without_checkpoint(subjects)
    places = [place for place in subjects if str(place) not in missing]
    if len(places) < 2:
        passed = f"; passed over: {', '.join(missing)}, without a checkpoint" if missing else ""
        raise ValueError(f"expected at least two to compare, got {len(places)}{passed}")
    with bar as watch:
        entries = read_entries(places, group, device, watch, like)
        found = comparison(entries, seed=seed, watch=watch, missing=missing)
    return write(found, output, format)


run = command(compare)
