"""What only a local folder can do wrong. Each limit is a real one, met in a process of its own."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from steadycast.errors import LakeMisplaced
from steadycast.lake import open_lake

AS_A_NOBODY = """
import os, sys
from steadycast.errors import LakeDenied
from steadycast.lake import open_lake
lake = open_lake(sys.argv[1])
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
uses = {
    "write": lambda: lake.write_bytes("a", b"new"),
    "claim": lambda: lake.write_bytes_if_absent("b", b"new"),
    "below": lambda: lake.write_bytes("c/d", b"new"),
    "read": lambda: lake.read_bytes("secret"),
    "list": lambda: lake.list("closed"),
    "exists": lambda: lake.exists("closed/x"),
    "delete": lambda: lake.delete("a"),
}
for name, use in uses.items():
    try:
        use()
    except LakeDenied as error:
        print(name, str(error).replace("\\n", " "))
print("still", lake.read_bytes("a").decode())
"""

WITH_A_SMALL_LIMIT = """
import resource, sys
from steadycast.errors import LakeFull
from steadycast.lake import open_lake
lake = open_lake(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
for write in (lake.write_bytes, lake.write_bytes_if_absent):
    try:
        write(sys.argv[2], b"x" * 5000)
    except LakeFull as error:
        print(error)
print(lake.write_bytes("small", b"y"))
"""


def in_another_process(script, *arguments):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def files_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in Path(folder).rglob("*") if p.is_file())


@pytest.fixture
def open_folder():
    """A folder outside pytest's own, which other users may not enter."""
    folder = Path(tempfile.mkdtemp(prefix="lake-"))
    folder.chmod(0o755)
    yield folder
    (folder / "closed").chmod(0o755)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_folder_that_refuses_the_user_is_named_for_every_use(open_folder):
    lake = open_lake(str(open_folder))
    lake.write_bytes("a", b"old")
    lake.write_bytes("secret", b"hidden")
    (open_folder / "secret").chmod(0)
    (open_folder / "closed").mkdir(mode=0)
    (open_folder / "closed").chmod(0)
    open_folder.chmod(0o555)
    *refused, last = in_another_process(AS_A_NOBODY, str(open_folder)).splitlines()
    uses = [line.split()[0] for line in refused]
    assert uses == ["write", "claim", "below", "read", "list", "exists", "delete"]
    assert refused[0].startswith(f"write {open_folder}/a refuses this user: Permission denied Next: give")
    assert last == "still old"


def test_a_full_disk_is_said_and_leaves_the_old_content_and_nothing_half(tmp_path):
    lake = open_lake(str(tmp_path))
    lake.write_bytes("runs/a", b"old")
    told = in_another_process(WITH_A_SMALL_LIMIT, str(tmp_path), "runs/a")
    assert told.startswith(f"{tmp_path}/runs/a could not be written: File too large\nNext: free disk space")
    assert told.endswith("small\n")
    assert lake.read_bytes("runs/a") == b"old"
    assert files_in(tmp_path) == ["runs/a", "small"]


def test_a_claim_on_a_full_disk_leaves_the_path_free(tmp_path):
    told = in_another_process(WITH_A_SMALL_LIMIT, str(tmp_path), "claim")
    assert told.count("could not be written") == 2
    assert files_in(tmp_path) == ["small"]
    assert open_lake(str(tmp_path)).write_bytes_if_absent("claim", b"x" * 5000) is True


def test_what_a_killed_writer_left_is_not_seen_and_does_not_hinder(tmp_path):
    lake = open_lake(str(tmp_path))
    lake.write_bytes("runs/a", b"old")
    (tmp_path / "runs" / ".0123456789abcdef.tmp").write_bytes(b"half a")
    assert lake.list("") == ["runs/a"]
    lake.write_bytes("runs/a", b"new")
    assert lake.write_bytes_if_absent("runs/b", b"") is True
    assert lake.list("runs") == ["runs/a", "runs/b"]


def test_a_finished_write_leaves_no_temporary_file(tmp_path):
    lake = open_lake(str(tmp_path))
    lake.write_bytes("a/b", b"1")
    lake.write_bytes("a/b", b"2")
    lake.write_bytes_if_absent("a/c", b"1")
    lake.write_bytes_if_absent("a/c", b"2")
    assert files_in(tmp_path) == ["a/b", "a/c"]


def test_other_users_may_read_as_the_umask_says(tmp_path):
    before = os.umask(0o022)
    try:
        lake = open_lake(str(tmp_path / "lake"))
        lake.write_bytes("a/written", b"")
        lake.write_bytes_if_absent("a/claimed", b"")
    finally:
        os.umask(before)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "lake").rglob("*")}
    assert modes == {"a": 0o755, "written": 0o644, "claimed": 0o644}


def test_a_file_in_the_place_of_the_lake_is_said(tmp_path):
    (tmp_path / "lake").write_text("I am a file")
    with pytest.raises(LakeMisplaced, match="a file stands where a folder belongs"):
        open_lake(str(tmp_path / "lake")).write_bytes("a/b", b"")


def test_an_artefact_in_the_place_of_a_folder_is_said(tmp_path):
    lake = open_lake(str(tmp_path))
    lake.write_bytes("a", b"")
    with pytest.raises(LakeMisplaced, match="a file stands where a folder belongs"):
        lake.write_bytes("a/b", b"")


def test_a_folder_in_the_place_of_an_artefact_is_said(tmp_path):
    lake = open_lake(str(tmp_path))
    lake.write_bytes("a/b", b"")
    with pytest.raises(LakeMisplaced, match="a file stands where a folder belongs"):
        lake.write_bytes("a", b"")
    assert files_in(tmp_path) == ["a/b"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("file:///srv/my%20lake", "file:///srv/my%20lake", id="file_address"),
        pytest.param("/srv/my lake", "file:///srv/my%20lake", id="absolute_path"),
        pytest.param("lake", f"file://{os.getcwd()}/lake", id="relative_path"),
        pytest.param("~/lake", f"file://{Path.home()}/lake", id="home"),
    ],
)
def test_addresses_of_a_local_lake(url, shown):
    assert open_lake(url).url == shown


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="empty"),
        pytest.param("ftp://host/lake", id="unknown_scheme"),
        pytest.param("file://host/lake", id="other_host"),
        pytest.param("s3://", id="no_bucket"),
    ],
)
def test_an_address_of_no_known_kind_is_refused(url):
    with pytest.raises(LakeMisplaced, match=r"is no address of a lake\nNext: use file:///"):
        open_lake(url)
