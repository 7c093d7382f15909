from __future__ import annotations

from pathlib import Path

from coconet.training.validation import CsvLog


def test_lines_are_appended_under_one_header(tmp_path: Path) -> None:
    journal = CsvLog(tmp_path / "log.csv", 0)
    journal.add(20, {"total": 1.5, "edge": 0.25})
    journal.add(40, {"total": 1.0, "edge": 0.125})
    assert (tmp_path / "log.csv").read_text().split() == [
        "step,total,edge",
        "20,1.500000,0.250000",
        "40,1.000000,0.125000",
    ]
    assert journal.column("total") == [1.5, 1.0]
    assert journal.has(40)
    assert not journal.has(4)


def test_what_was_written_after_the_step_to_go_on_from_is_dropped(tmp_path: Path) -> None:
    first = CsvLog(tmp_path / "log.csv", 0)
    for step in (20, 40, 60):
        first.add(step, {"total": float(step)})
    resumed = CsvLog(tmp_path / "log.csv", 45)
    resumed.add(60, {"total": 6.0})
    assert (tmp_path / "log.csv").read_text().split()[1:] == ["20,20.000000", "40,40.000000", "60,6.000000"]


def test_a_line_cut_short_by_a_power_cut_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("step,total,edge\n20,1.0,2.0\n4")
    journal = CsvLog(tmp_path / "log.csv", 40)
    journal.add(40, {"total": 1.0, "edge": 1.0})
    assert journal.column("step") == [20.0, 40.0]


def test_an_empty_file_gets_its_header(tmp_path: Path) -> None:
    (tmp_path / "log.csv").touch()
    CsvLog(tmp_path / "log.csv", 0).add(1, {"total": 2.0})
    assert (tmp_path / "log.csv").read_text().split() == ["step,total", "1,2.000000"]
