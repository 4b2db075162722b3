"""What is prepared for a GPU runs on the CPU at toy size."""

import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from benchmarks import gpu, gpu_training, machine, pack


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CSL_BENCHMARK_RESULTS", str(tmp_path / "results"))
    monkeypatch.setattr(machine, "RESULTS", tmp_path / "results")
    return tmp_path / "results"


def test_every_step_is_measured_and_writes_its_table(results: Path) -> None:
    gpu.main(["--toy", "--minutes", "60"])
    lines = (results / "gpu.md").read_text().splitlines()
    outcomes = {line.split(" | ")[0].strip("| "): line.split(" | ")[2].strip(" |") for line in lines if " | " in line}
    assert outcomes["one test"].startswith("2 passed")
    assert {outcomes[step.name] for step in gpu.TOY_STEPS[1:]} == {"done"}
    names = {"gpu.md", "pairs_cpu.md", "monitors.md", "kernels_cpu.md", "step.md", "views_in_one_batch_cpu.md"}
    assert {file.name for file in results.iterdir()} == names
    assert "RLD, tf32 | 60" in (results / "pairs_cpu.md").read_text()
    assert "augmentation and transfer" in (results / "kernels_cpu.md").read_text()


def test_what_no_longer_fits_is_skipped_and_said(results: Path) -> None:
    gpu.run(gpu.STEPS[:2], 0.1, time.monotonic() + 6)
    text = (results / "gpu.md").read_text()
    assert "| tests on the GPU (make test-gpu) | 0 | skipped: 6 s were left, 60 are needed |" in text
    assert "| RLD, kNN and graphs | 0 | skipped: 6 s were left, 20 are needed |" in text


def test_a_step_that_fails_is_said(results: Path) -> None:
    gpu.run([gpu.Step("nothing", 0, ("benchmarks.not_there",))], 1, time.monotonic() + 60)
    assert "No module named benchmarks.not_there" in (results / "gpu.md").read_text()


def test_without_a_gpu_nothing_is_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        gpu.main([])
    assert "there is no GPU here" in capsys.readouterr().err


def test_a_second_call_goes_on_with_the_training(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(gpu.__file__).parents[1]))
    monkeypatch.chdir(tmp_path)
    generator = torch.Generator().manual_seed(0)
    for part, count in (("train", 12), ("test", 4)):
        for label in ("cat", "dog"):
            folder = tmp_path / "images" / part / label
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = torch.randint(256, (32, 32, 3), dtype=torch.uint8, generator=generator)
                Image.fromarray(pixels.numpy()).save(folder / f"{number}.png")
    line = ["--toy", "--train", "SimCLR", "--images", "images", "--minutes", "60"]
    small = ["--model.hidden_dim", "8", "--model.output_dim", "4"]
    gpu.main([*line, "--epochs", "1", *small])
    table = results / "gpu_training_simclr-resnet.md"
    assert "SimCLR with ResNet on CIFAR-10, 1 of 1 epochs" in table.read_text()
    gpu.main([*line, "--epochs", "2", *small])
    text = table.read_text()
    assert "2 of 2 epochs" in text
    assert "This call: 1 epochs in" in text
    assert "| step | val/knn_accuracy |" in text
    assert (tmp_path / gpu_training.LOGS / "simclr-resnet/run/checkpoints/last.ckpt").is_file()


def test_what_is_too_large_to_travel_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "wheel.whl"
    file.write_bytes(b"0" * 2**20)
    assert pack.summary([file, file]) == "2 files, 2.0 of 64 MiB"
    monkeypatch.setattr(pack, "LIMIT", 2**20)
    with pytest.raises(SystemExit, match=r"2 files, 2\.0 of 1 MiB: too large to travel"):
        pack.summary([file, file])
