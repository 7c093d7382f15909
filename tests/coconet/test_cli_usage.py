"""Mistakes in options and arguments, as sentences."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from coconet.cli import app

SENTENCES = {
    "export --batch 0": "--batch must be 1 or more, not 0.",
    "export --batch two": "--batch must be a whole number, not two.",
    "export --bach 2": "--bach is not an option of coconet export. Did you mean --batch?",
    "run a b --seconds 3": "--seconds is not an option of coconet run. Did you mean --frames?",
    "record a --frames 3": "--frames is not an option of coconet record. Did you mean --seconds?",
    "exprt": "exprt is not a command of coconet. Did you mean export?",
    "rnu": "rnu is not a command of coconet. Did you mean run?",
    "calibrate a --method entrop": "--method must be percentile, mse, entropy or max, not entrop. Did you mean",
    "record rig.toml --seconds": "--seconds has no value behind it.",
    "run a b --heat nan": "--heat must be a finite number, not nan.",
    "run a b --heat -inf": "--heat must be a finite number, not -inf.",
    "run a b --heat 101": "--heat must be 100 or less, not 101.",
    "bench measure --limit nan": "--limit must be a finite number, not nan.",
    "bench honesty --seconds inf": "--seconds must be a finite number, not inf.",
    "contact a --at nan": "--at must be a finite number, not nan.",
    "contact a --out x.png --at 1 --at inf": "--at must be a finite number, not inf.",
    "calibrate": "The argument model is missing.",
    "calibrate a b c": "b c is more than the command takes.",
}


@pytest.mark.parametrize("words", SENTENCES)
def test_a_mistake_on_the_command_line_is_said_in_a_sentence_of_ours(words: str) -> None:
    answer = CliRunner(env={"TERMINAL_WIDTH": "200", "COLUMNS": "200"}).invoke(app, words.split(), prog_name="coconet")
    assert answer.exit_code == 2
    assert SENTENCES[words] in answer.output
    assert not any(riddle in answer.output for riddle in ("Invalid value", "Value error", "Input should"))
