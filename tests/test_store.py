"""The run folder holds what it was given: after a kill, on a full disk, against a second writer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from w4s.config import CollectConfig, SearchConfig
from w4s.errors import ConfigError, StoreError
from w4s.store import RunFolder, read_journal, read_settings, write_whole
from w4s.types import Outcome, Status, Usage

ONE = Outcome("p1", Status.RAISED)
TWO = Outcome("p2", Status.UNSCORED)


def config(**changes: object) -> SearchConfig:
    return SearchConfig.resolve({"task": "arithmetic", "run": "r"}, changes)


def test_records_come_back_in_order(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "a" / "b") as folder:
        journal = folder.journal("o.jsonl", Outcome)
        journal.append(ONE)
        journal.append(TWO)
        journal.close()
    with RunFolder(tmp_path / "a" / "b") as folder:
        assert folder.journal("o.jsonl", Outcome).records() == (ONE, TWO)


def test_no_file_means_no_records(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none.jsonl", Outcome) == ()


@pytest.mark.parametrize("torn", [b'{"problem":"p3","sta', b"\0" * 40, b"\0\0\n", b"\n"[:0]])
def test_a_torn_last_line_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    folder = RunFolder(tmp_path)
    folder.journal("o.jsonl", Outcome).append(ONE)
    with (tmp_path / "o.jsonl").open("ab") as file:
        file.write(torn)
    assert read_journal(tmp_path / "o.jsonl", Outcome) == (ONE,)
    journal = folder.journal("o.jsonl", Outcome)
    journal.append(TWO)
    assert journal.records() == (ONE, TWO)


def test_a_torn_first_line_makes_an_empty_journal(tmp_path: Path) -> None:
    (tmp_path / "o.jsonl").write_bytes(b'{"w4s":"Outc')
    journal = RunFolder(tmp_path).journal("o.jsonl", Outcome)
    journal.append(ONE)
    assert journal.records() == (ONE,)


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path) -> None:
    journal = RunFolder(tmp_path).journal("o.jsonl", Outcome)
    journal.append(ONE)
    text = (tmp_path / "o.jsonl").read_text()
    (tmp_path / "o.jsonl").write_text(text.replace("problem", "prob") + text)
    with pytest.raises(StoreError, match=r"o\.jsonl, line 2: "):
        journal.records()


def test_a_journal_of_another_kind_or_version_is_refused(tmp_path: Path) -> None:
    RunFolder(tmp_path).journal("o.jsonl", Outcome).append(ONE)
    with pytest.raises(StoreError, match="not a journal of Usage"):
        read_journal(tmp_path / "o.jsonl", Usage)


def test_what_append_returned_from_survives_kill_9(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from w4s.store import RunFolder;"
        "from w4s.types import Outcome, Status\n"
        "j = RunFolder(Path(sys.argv[1])).journal('o.jsonl', Outcome)\n"
        "for i in range(100000):\n"
        "    j.append(Outcome(str(i), Status.RAISED, answer='x' * 5000)); print(i, flush=True)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    for _ in range(30):
        last = child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    last = (child.stdout.read().split() or [last])[-1]
    child.wait()
    child.stdout.close()
    with RunFolder(tmp_path) as folder:
        kept = [o.problem for o in folder.journal("o.jsonl", Outcome).records()]
    assert kept == [str(i) for i in range(len(kept))]
    assert len(kept) > int(last)


def test_two_processes_cannot_hold_one_folder(tmp_path: Path) -> None:
    busy = pytest.raises(ConfigError, match=f"in use by process {os.getpid()}")
    with RunFolder(tmp_path), busy:
        RunFolder(tmp_path)
    RunFolder(tmp_path).close()


def test_a_changed_configuration_is_refused_with_the_difference(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        assert not folder.settle(config(seed=1), {"data": "abc"})
        assert folder.settle(config(seed=1), {"data": "abc"})
        with pytest.raises(
            ConfigError, match=r"seed was 1, is 2; samples was not set, is 3\. .*--run"
        ):
            folder.settle(config(samples=3, seed=2), {"data": "abc"})
    assert read_settings(tmp_path)["seed"] == 1


def test_the_same_settings_that_lead_to_something_else_are_refused(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        folder.settle(config(), {"w4s": "1.0", "problems": "0123456789abcdef"})
        with pytest.raises(ConfigError, match=r"\(w4s was 1\.0, is 1\.1; problems: other ones\)"):
            folder.settle(config(), {"w4s": "1.1", "problems": "fedcba9876543210"})


def test_a_folder_of_another_kind_is_named_by_what_it_holds(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        folder.settle(config(), {})
        collecting = CollectConfig.resolve({"tasks": ("toy_ledger",), "run": tmp_path})
        with pytest.raises(ConfigError, match="holds a search; choose a new folder with --run"):
            folder.settle(collecting, {})
    with pytest.raises(ConfigError, match="holds a search, not a collection; w4s collect TASK"):
        read_settings(tmp_path, of="tasks")


def test_limits_may_change_when_a_run_goes_on(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        folder.settle(config(max_usd=1), {})
        folder.settle(config(max_usd=2, concurrency=3), {})
    assert read_settings(tmp_path)["max_usd"] == 2


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no run"):
        read_settings(tmp_path)


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    for path in (tmp_path / "f", tmp_path / "f" / "g"):
        with pytest.raises(ConfigError, match="--run"):
            RunFolder(path)


def test_a_folder_nobody_may_write_to() -> None:
    with pytest.raises(ConfigError, match="cannot write to the run folder /proc/nothing"):
        RunFolder(Path("/proc/nothing"))


def test_a_failed_whole_write_leaves_the_old_file(tmp_path: Path) -> None:
    write_whole(tmp_path / "f", "old")
    with pytest.raises(TypeError):
        write_whole(tmp_path / "f", None)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="No such file"):
        write_whole(tmp_path / "none" / "f", "x")
    assert (tmp_path / "f").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def small_disk(tmp_path: Path) -> Path:
    """A file system of 64 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk is not allowed here")
    return disk


def test_a_full_disk_leaves_a_journal_that_goes_on(tmp_path: Path) -> None:
    disk = small_disk(tmp_path)
    try:
        with RunFolder(disk / "run") as folder:
            journal = folder.journal("o.jsonl", Outcome)
            journal.append(ONE)
            (disk / "ballast").write_bytes(b"x" * 40_000)
            with pytest.raises(StoreError, match="No space left on device; free some space"):
                journal.append(Outcome("big", Status.RAISED, answer="x" * 30_000))
            with pytest.raises(StoreError, match="No space left"):
                folder.write("summary.json", "x" * 30_000)
            (disk / "ballast").unlink()
            journal.append(TWO)
            assert journal.records() == (ONE, TWO)
            journal.close()
            assert not (disk / "run" / "summary.json").exists()
    finally:
        subprocess.run(["umount", str(disk)], check=True)
