"""The lake in a local folder (or a mounted share that knows hard links)."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa

from steadycast.errors import ArtefactMissing, LakeDenied, LakeError, LakeFull, LakeMisplaced
from steadycast.lake.backend import TEMP_SUFFIX, checked, checked_folder, is_temporary

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_HARD_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_NO_FOLDER = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST}


class LocalBackend:
    """Objects are files below ``root``; missing folders are made by the first write.

    A write fills a hidden temporary file in the target's own folder, flushes it to the disk, gives it its
    name in one step (rename, or hard link where nothing may be replaced) and flushes the folder. A killed
    writer leaves at most a temporary file, which nobody lists or reads.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.url = self.root.as_uri()

    def write(self, path: str, data: bytes) -> None:
        """Store, replacing what was there."""
        with _explained(self.link(path)):
            target, temporary = self._prepare(path, data)
            try:
                os.replace(temporary, target)
            except OSError:
                _remove(temporary)
                raise
            _flush_folder(target.parent)

    def write_if_absent(self, path: str, data: bytes) -> bool:
        """Store unless something is there; of writers at the same moment exactly one gets True."""
        if self.exists(path):
            return False
        with _explained(self.link(path)):
            target, temporary = self._prepare(path, data)
            try:
                os.link(temporary, target)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno in _NO_HARD_LINKS:
                    raise LakeMisplaced(
                        f"{self.root} is on a file system without hard links ({error.strerror})",
                        remedy="put the lake on a local disk, NFS or S3; without links, attempts could mix",
                    ) from error
                raise
            finally:
                _remove(temporary)
            _flush_folder(target.parent)
            return True

    def read(self, path: str) -> bytes:
        """The whole file; ArtefactMissing if there is none."""
        with _explained(self.link(path), missing=path):
            return (self.root / checked(path)).read_bytes()

    def open(self, path: str) -> pa.NativeFile:
        """A seekable pyarrow file; ArtefactMissing if there is none."""
        with _explained(self.link(path), missing=path):
            return pa.OSFile(str(self.root / checked(path)), "rb")

    def exists(self, path: str) -> bool:
        """Is there a file of this path?"""
        with _explained(self.link(path)):
            try:
                os.stat(self.root / checked(path))
            except (FileNotFoundError, NotADirectoryError):
                return False
            return True

    def list(self, folder: str) -> list[str]:
        """Paths of all files below the folder, sorted; unfinished writes are not among them."""
        folder = checked_folder(folder)
        with _explained(self.link(folder) if folder else str(self.root)):
            return sorted(self._files_below(folder))

    def delete(self, path: str) -> None:
        """Remove the file; no error if there is none."""
        with _explained(self.link(path)), suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(self.root / checked(path))

    def link(self, path: str) -> str:
        """The file's absolute path."""
        return str(self.root / checked(path))

    def _prepare(self, path: str, data: bytes) -> tuple[Path, Path]:
        """Target and a flushed temporary file beside it that holds the data."""
        target = self.root / checked(path)
        _make_folder(target.parent)
        temporary = target.parent / f".{secrets.token_hex(8)}{TEMP_SUFFIX}"
        # mode 0o666 leaves it to the umask who else may read; tempfile would lock out other users' workers
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            try:
                left = memoryview(data)
                while left:
                    left = left[os.write(handle, left) :]
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError:
            _remove(temporary)
            raise
        return target, temporary

    def _files_below(self, folder: str) -> Iterator[str]:
        try:
            entries = list(os.scandir(self.root / folder))
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir():
                yield from self._files_below(path)
            elif not is_temporary(entry.name):
                yield path


def _make_folder(folder: Path) -> None:
    """Make the folder and its missing parents, each flushed into the one above."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        _make_folder(folder.parent)
    try:
        os.mkdir(folder)
    except FileExistsError:
        if not folder.is_dir():
            raise
    _flush_folder(folder.parent)


def _flush_folder(folder: Path) -> None:
    # the name of a new file is safe from a power cut only when its folder is flushed too
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(temporary: Path) -> None:
    # a temporary file that can not be removed is harmless; the first error is the one to tell
    with suppress(OSError):
        os.unlink(temporary)


@contextmanager
def _explained(place: str, missing: str | None = None) -> Iterator[None]:
    """Turn the system's errors into the lake's; ``missing`` names the artefact whose absence is an error."""
    try:
        yield
    except OSError as error:
        raise _told(error, place, missing) from error


def _told(error: OSError, place: str, missing: str | None) -> LakeError:
    reason = error.strerror or str(error)
    if missing is not None and error.errno in {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}:
        return ArtefactMissing(missing)
    if error.errno in _FULL:
        return LakeFull(
            f"{place} could not be written: {reason}",
            remedy="free disk space, or raise the quota or file size limit, then clear the task",
        )
    if error.errno in _DENIED:
        return LakeDenied(
            f"{place} refuses this user: {reason}",
            remedy="give the user that runs Airflow's tasks read and write access to the lake's folder",
        )
    if error.errno in _NO_FOLDER:
        return LakeMisplaced(
            f"{place}: {reason}; a file stands where a folder belongs, or the other way round",
            remedy="choose another folder for the lake, or move that file away",
        )
    return LakeError(f"{place} failed: {reason}", remedy="look at the disk or the mount, then clear the task")
