"""The private folder: usable, limited, and gone afterwards, whatever was left in it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from w4s.sandbox import open_sandbox
from w4s.sandbox.base import Ending, Job, Limits, Result
from w4s.sandbox.scratch import remove_tree


def run(source: str, limits: Limits | None = None) -> Result:
    async def main() -> Result:
        sandbox = await open_sandbox(profile="scratch")
        try:
            return await sandbox.run(Job(source, limits=limits or Limits()))
        finally:
            await sandbox.aclose()

    return asyncio.run(main())


def test_files_can_be_written_and_read_and_are_gone_afterwards() -> None:
    source = (
        "import os, sqlite3, tempfile, shutil\nfrom pathlib import Path\n"
        "def solver():\n"
        "    Path('a.txt').write_text('hello')\n    os.makedirs('d/e')\n"
        "    shutil.move('a.txt', 'd/e/b.txt')\n"
        "    with tempfile.NamedTemporaryFile('w') as f: f.write('x')\n"
        "    c = sqlite3.connect('t.db'); c.execute('create table t (x)'); c.commit()\n"
        "    return [Path('d/e/b.txt').read_text(), sorted(os.listdir('.')), os.getcwd()]"
    )
    value = run(source).value
    assert isinstance(value, list)
    assert value[:2] == ["hello", ["d", "t.db"]]
    assert not Path(str(value[2])).exists()


def test_jobs_do_not_see_each_others_folder() -> None:
    source = (
        "import os\ndef solver():\n    try:\n        return os.listdir('/tmp')\n"
        "    except OSError as error:\n        return type(error).__name__"
    )
    assert run(source).value == "PermissionError"


def test_too_much_is_stopped() -> None:
    source = (
        "def solver():\n    for n in range(1000):\n"
        "        with open(f'{n}', 'wb') as f: f.write(b'x' * 2_000_000)"
    )
    result = run(source, Limits(seconds=20))
    assert result.ending is Ending.OUTPUT
    assert result.trouble is not None
    assert result.trouble.type == "DiskLimit"


def test_a_hostile_tree_is_removed(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    here = os.open(top, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("x" * 200, dir_fd=here)
        deeper = os.open("x" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    for n in range(50):
        (top / f"locked {n}").mkdir()
        (top / f"locked {n}" / "inner").mkdir()
        (top / f"locked {n}" / "inner" / "file").touch()
        (top / f"locked {n}" / "inner").chmod(0)
        (top / f"locked {n}").chmod(0)
    (top / "link").symlink_to("/etc")
    remove_tree(str(top))
    assert list(tmp_path.iterdir()) == []
    assert Path("/etc/passwd").exists()


def test_a_hostile_tree_of_a_job_is_removed() -> None:
    source = (
        "import os\ndef solver():\n    where = os.getcwd()\n    for _ in range(1500):\n"
        "        os.mkdir('x' * 100); os.chdir('x' * 100)\n    return where"
    )
    result = run(source)
    assert result.ending in (Ending.RETURNED, Ending.OUTPUT)
    if isinstance(result.value, str):
        assert not Path(result.value).exists()


@pytest.mark.parametrize("name", ["w4s-scratch-999999999-old"])
def test_what_a_killed_host_left_is_swept(name: str, tmp_path: Path) -> None:
    import tempfile

    old = Path(tempfile.gettempdir(), name)
    old.mkdir(exist_ok=True)
    (old / "file").touch()
    run("def solver(): return 1")
    assert not old.exists()
