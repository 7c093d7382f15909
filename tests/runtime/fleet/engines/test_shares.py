"""What each worker gets of a machine, and that none gets what another one has while there is enough."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.runtime.fleet.engines import shares as shares_module
from coconet.runtime.fleet.engines.shares import check_gpus, claim_cores, cluster_shares, crowding, shares

CLAIM = (
    "import sys; from pathlib import Path; from coconet.runtime.fleet.engines.shares import claim_cores\n"
    "print(claim_cores(1, Path(sys.argv[1])), flush=True); sys.stdin.read()"
)


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares_module, "usable_cores", lambda: [2, 3, 6, 7])


def test_workers_share_the_cores_and_the_gpus() -> None:
    assert [share.cores for share in shares(None, None, 0)] == [(2, 3), (6, 7)]
    assert [share.cores for share in shares(4, None, 0)] == [(2,), (3,), (6,), (7,)]
    assert [share.cores for share in shares(None, 10**6, 0)] == [(2, 3, 6, 7)]
    assert [share.gpu for share in shares(None, 1, 3)] == [0, 1, 2]
    assert [share.gpu for share in shares(3, 1, 2)] == [0, 1, 0]


@pytest.mark.parametrize(("there", "found"), [(0, "no GPU here. Leave it out"), (1, "1 GPU here. Pass --gpus 1")])
def test_more_gpus_than_there_are_is_refused(there: int, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares_module, "count_cuda_devices", lambda: there)
    check_gpus(there)
    with pytest.raises(CoconetError, match=f"--gpus 2 is more than there are: the driver finds {found}"):
        check_gpus(2)


def test_workers_that_have_to_share_cores_are_a_note() -> None:
    assert crowding(shares(4, None, 0)) == ""
    assert crowding(shares(2, 2, 0)) == ""
    assert crowding(shares(5, None, 0)).startswith("5 workers want 5 cores and share 4")
    assert crowding(shares(4, 2, 0)).startswith("4 workers want 8 cores and share 4")


def test_a_cluster_is_told_how_many_workers_of_how_many_cores() -> None:
    assert [(share.cores, share.width) for share in cluster_shares(3, 16, 0)] == [((), 16)] * 3
    assert [share.gpu for share in cluster_shares(None, None, 2)] == [0, 1]
    with pytest.raises(CoconetError, match="how many workers the cluster is to run is not known"):
        cluster_shares(None, None, 0)


def test_of_cores_that_another_process_has_only_the_rest_is_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = sorted(os.sched_getaffinity(0))
    monkeypatch.setattr(shares_module, "usable_cores", lambda: [there[0], 10_000])
    words = [sys.executable, "-c", CLAIM, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == f"({there[0]},)\n"
        assert claim_cores(2, tmp_path) == ()
        assert claim_cores(1, tmp_path) == (10_000,)
        other.kill()
    assert claim_cores(1, tmp_path) == (there[0],)
