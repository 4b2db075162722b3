"""`csl compare`: one page of several encoders."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

from csl.runs import Run
from csl.study.encoding import Bench
from tests.commands.runs import SMALL, csl, failure

FIRST, SECOND = "lightning_logs/simclr-digits/version_0", "lightning_logs/supervised-digits/version_0"
BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of two methods, and the page that compares them."""
    folder = tmp_path_factory.mktemp("compared")
    csl(folder, "fit", "--trainer.max_epochs", "1", *SMALL)
    csl(folder, "fit", "--model", "Supervised", "--trainer.max_epochs", "1", *SMALL[:6])
    csl(folder, "compare", FIRST, SECOND, "--quiet")
    return folder


def test_one_file_holds_everything_and_fetches_nothing(trained: Path) -> None:
    page = (trained / "compare.html").read_text()
    assert len(page) < 3e6
    for part in (
        'id="plane"',
        'id="standings"',
        'id="maps"',
        'id="changed"',
        "linear cka",
        "<th>model</th>",
        "csl.methods.SimCLR",
    ):
        assert part in page, part
    body = (
        page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace("http://creativecommons.org", "")
    )
    assert "http://" not in body
    assert "https://" not in body
    assert "<link" not in page
    assert "src=" not in page


def test_numbers_are_those_of_a_sweep_and_of_validate(trained: Path) -> None:
    csl(trained, "compare", FIRST, SECOND, "--quiet", "--output", "found.json")
    found = json.loads((trained / "found.json").read_text())
    row = found["runs"]["simclr-digits/version_0"][-1]
    csl(trained, "validate", FIRST, "--json", "one.json", "--trainer.logger", "false", *SMALL[:4])
    once = json.loads((trained / "one.json").read_text())["values"]
    assert row["values"]["val/rld_0.1"] == pytest.approx(once["val/rld_0.1"])
    assert found["groups"]["simclr-digits"]["linear"][0] == pytest.approx(once["val/linear_accuracy"])
    assert found["similarity"][0]["linear_cka"] > 0


@pytest.mark.parametrize("form", ["md", "csv", "json", "latex"])
def test_the_table_alone_is_written_in_other_forms(trained: Path, form: str) -> None:
    csl(trained, "compare", FIRST, SECOND, "--quiet", "--format", form, "--output", "table.txt")
    text = (trained / "table.txt").read_text()
    assert "simclr-digits" in text
    assert {"md": "| --- |", "csv": ",linear,", "json": '"groups"', "latex": r"\toprule"}[form] in text


@pytest.mark.parametrize(("form", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_the_plane_alone_is_written_as_a_picture(trained: Path, form: str, begins: bytes) -> None:
    csl(trained, "compare", FIRST, SECOND, "--quiet", "--output", f"plane.{form}")
    picture = (trained / f"plane.{form}").read_bytes()
    assert picture.startswith(begins)
    assert len(picture) > 5_000


def test_what_broke_off_before_a_checkpoint_is_named_and_passed_over(trained: Path) -> None:
    failed = trained / "lightning_logs" / "simclr-digits" / "version_7"
    failed.mkdir()
    shutil.copy(trained / FIRST / "config.yaml", failed)
    csl(trained, "compare", FIRST, SECOND, str(failed), "--quiet", "--output", "rest.json")
    found = json.loads((trained / "rest.json").read_text())
    assert set(found["groups"]) == {"simclr-digits", "supervised-digits"}
    assert found["apart"] == {str(failed): "it holds no checkpoint; one is written at the end of the first epoch"}
    status, text = failure(trained, "compare", FIRST, str(failed), "--quiet")
    shutil.rmtree(failed)
    assert status == 1
    assert f"expected at least two to compare, got 1; passed over: {failed}" in text


def test_another_loss_is_not_averaged_with_the_usual_one(trained: Path) -> None:
    csl(trained, "fit", "--model.loss", "lightly.loss.NTXentLoss", "--trainer.max_epochs", "1", *SMALL)
    both = [FIRST, FIRST.replace("version_0", "version_1")]
    csl(trained, "compare", *both, "--quiet", "--output", "both.json")
    groups = json.loads((trained / "both.json").read_text())["groups"]
    assert list(groups) == ["simclr-digits (loss None)", "simclr-digits (loss NTXentLoss)"]
    shutil.rmtree(trained / both[1])


def test_what_was_measured_is_not_measured_again(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(bench: Bench, checkpoint: Path) -> dict[str, float]:
        raise AssertionError(f"measured {checkpoint} again")

    monkeypatch.setattr(Bench, "measured", refuse)
    csl(trained, "compare", FIRST, SECOND, "--quiet", "--output", "again.md")


def test_files_of_features_are_compared_and_names_are_no_markup(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    labels = np.array(["<script>alert(1)</script>", "a & $b$"])[np.arange(60) % 2]
    for name in ("<b>one", "two$x$"):
        np.savez(tmp_path / f"{name}.npz", features=generator.normal(size=(60, 5)), labels=labels)
    csl(tmp_path, "compare", "<b>one.npz", "two$x$.npz", "--quiet")
    page = (tmp_path / "compare.html").read_text()
    assert "<b>one" not in page
    assert "<script>alert" not in page
    assert "&lt;b&gt;one" in page


def test_other_images_are_set_apart_with_the_reason(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "lightning_logs", tmp_path / "lightning_logs")
    other = tmp_path / "lightning_logs/simclr-digits/version_1"
    shutil.copytree(tmp_path / FIRST, other)
    shutil.rmtree(other / "sweep")
    config = yaml.safe_load((other / "config.yaml").read_text())
    config["data"]["source"] = {"class_path": "csl.data.Digits", "init_args": {"seed": 7}}
    (other / "config.yaml").write_text(yaml.safe_dump(config))
    text = csl(tmp_path, "compare", FIRST, SECOND, str(other.relative_to(tmp_path)), "--quiet")
    assert "version_1 is set apart: expected the same images for all" in text
    page = (tmp_path / "compare.html").read_text()
    assert 'class="apart"' in page
    assert Run(other).method == "SimCLR"


def test_bad_input_is_refused(trained: Path) -> None:
    assert "expected at least two to compare, got 1" in failure(trained, "compare", FIRST, "--quiet")[1]
    status, message = failure(trained, "compare", FIRST, SECOND, "--output", "page.doc", "--quiet")
    assert status == 1
    assert "--output: expected a file that ends in .html" in message


@pytest.mark.skipif(not BROWSER, reason="no Chromium is installed")
def test_the_page_works_in_a_browser(trained: Path, tmp_path: Path) -> None:
    """A script at the end of the page clicks a point of the first map and writes what the page shows into its title."""
    click = """<script>
      const canvas = document.querySelector("#maps canvas"), box = canvas.getBoundingClientRect();
      const [x, y] = place(canvas, data.points[0][5]), scale = box.width / canvas.width;
      const at = { clientX: box.left + x * scale, clientY: box.top + y * scale, bubbles: true };
      canvas.dispatchEvent(new MouseEvent("click", at));
      const shown = document.querySelectorAll("#detail .strip").length;
      const figures = document.querySelectorAll("figure svg").length;
      const thumbs = document.querySelectorAll("#detail .thumb").length;
      document.title = [document.querySelectorAll("#maps canvas").length, shown, thumbs, figures].join(" ");
    </script></body>"""
    page = tmp_path / "page.html"
    page.write_text((trained / "compare.html").read_text().replace("</body>", click))
    line = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    shown = subprocess.run(
        [*line, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    maps, strips, thumbs, figures = map(int, shown.stdout.split("<title>")[1].split("</title>")[0].split())
    assert (maps, strips) == (2, 2)
    assert thumbs == 2 * (1 + 10)
    assert figures >= 3
