from pathlib import Path

from csl.metrics.measures import MEASURES, Choices
from tests.commands.runs import SMALL, csl

CONFIGS = Path(__file__).parents[2] / "configs"


def test_the_rest_of_the_panel_is_one_file_beside_an_experiment(tmp_path: Path) -> None:
    files = ["--config", str(CONFIGS / "digits" / "simclr.yaml"), "--config", str(CONFIGS / "panel.yaml")]
    printed = csl(tmp_path, "validate", *files, *SMALL)
    rows = {line.split()[0] for line in printed.splitlines() if line.strip()}
    choices = Choices((1.0, 0.2, 0.1), (1, 10, 100))
    for measure in MEASURES.values():
        if measure.in_default:
            assert set(measure.names(choices)) <= rows
    assert "silhouette_seconds" in rows
