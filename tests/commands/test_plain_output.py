"""What `csl` shows does not depend on whether rich is installed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from lightning.pytorch.callbacks import TQDMProgressBar
from lightning.pytorch.trainer.connectors import callback_connector

from csl.commands.plain_output import plain_output
from tests.commands.runs import SMALL, csl


def test_a_fit_takes_the_plain_bar_and_summary_where_lightning_would_take_richs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    def other(kind: str) -> Callable[[], TQDMProgressBar]:
        def take() -> TQDMProgressBar:
            taken.append(kind)
            return TQDMProgressBar()

        return take

    monkeypatch.setattr(callback_connector, "_RICH_AVAILABLE", True)
    monkeypatch.setattr(callback_connector, "RichProgressBar", other("bar"))
    monkeypatch.setattr(callback_connector, "RichModelSummary", other("summary"))
    few = ["--trainer.max_epochs", "1", "--trainer.limit_train_batches", "1", "--trainer.callbacks", "[]", *SMALL]
    csl(tmp_path, "fit", *few, "--trainer.enable_progress_bar", "true", "--trainer.enable_model_summary", "true")
    assert taken == []


def test_what_is_chosen_or_switched_off_stays() -> None:
    both = [type(one).__name__ for one in plain_output({}, [])]
    assert both == ["TQDMProgressBar", "ModelSummary"]
    assert plain_output({"barebones": True}, []) == []
    assert plain_output({"enable_progress_bar": False, "enable_model_summary": False}, []) == []
    own = TQDMProgressBar(refresh_rate=5)
    assert [type(one).__name__ for one in plain_output({}, [own])] == ["ModelSummary"]
