"""A folder of files: on this disk, or at any URL that fsspec opens. Knows no log and no Parquet."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab.errors import InputError, LogError

if TYPE_CHECKING:
    import duckdb

_LOCAL = frozenset({"file", "local"})
_BLOCK_BYTES = 1 << 20


class Shelf:
    """Files by name below one root.

    Args:
        url: A local folder, or a URL such as `s3://bucket/folder`.

    Attributes:
        is_local: Whether the files lie on this machine's disk.

    Raises:
        InputError: fsspec does not know the protocol, or its package is not installed.
    """

    def __init__(self, url: str) -> None:
        """Find the file system; nothing is made before the first file."""
        from fsspec.core import url_to_fs  # noqa: PLC0415 - loads only where files move

        self.url = url
        try:
            self._fs, root = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise InputError(f"{url}: cannot be opened: {error}", hint="install the package that it names") from None
        self._root = root.rstrip("/")
        protocol = self._fs.protocol
        self.protocol = protocol if isinstance(protocol, str) else protocol[0]
        self.is_local = self.protocol in _LOCAL

    @property
    def root(self) -> str:
        """The root as DuckDB and Spark name it."""
        return self._root if self.is_local else f"{self.protocol}://{self._root.lstrip('/')}"

    def address(self, name: str) -> str:
        """One file as DuckDB and Spark name it."""
        return f"{self.root}/{name}"

    def register(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let a DuckDB connection read from here."""
        if not self.is_local and not connection.filesystem_is_registered(self.protocol):
            connection.register_filesystem(self._fs)

    def put(self, source: Path, name: str) -> None:
        """Copy a file in; it is on the disk, or acknowledged by the remote side, when this returns."""
        with self._clear():
            path = self._path(name)
            self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._fs.put_file(str(source), path)
            if self.is_local:
                _sync(Path(path))

    def get(self, name: str, target: Path) -> None:
        """Copy a file out."""
        with self._clear():
            self._fs.get_file(self._path(name), str(target))

    def read_text(self, name: str) -> str | None:
        """A small file's text, None when there is no such file."""
        with self._clear():
            path = self._path(name)
            return self._fs.cat_file(path).decode() if self._fs.exists(path) else None

    def write_text(self, name: str, text: str) -> None:
        """Replace a small file: a reader sees the old text or the new one."""
        with self._clear():
            path = self._path(name)
            self._fs.makedirs(self._root, exist_ok=True)
            if not self.is_local:
                self._fs.pipe_file(path, text.encode())  # object stores replace in one step
                return
            unborn = Path(f"{path}.{os.getpid()}.unborn")
            unborn.write_text(text, encoding="utf-8")
            _sync(unborn)
            unborn.replace(path)

    def names(self) -> set[str]:
        """All files below the root."""
        with self._clear():
            self._fs.invalidate_cache()
            if not self._fs.exists(self._root):
                return set()
            return {str(path)[len(self._root) + 1 :] for path in self._fs.find(self._root)}

    def remove(self, names: set[str]) -> None:
        """Remove files that are there."""
        with self._clear():
            for name in sorted(names):
                self._fs.rm_file(self._path(name))

    def sha256(self, name: str) -> str:
        """Of the file's bytes as they are read back from here."""
        found = hashlib.sha256()
        with self._clear(), self._fs.open(self._path(name), "rb") as file:
            while block := file.read(_BLOCK_BYTES):
                found.update(block)
        return found.hexdigest()

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _clear(self) -> Iterator[None]:
        """What a file system says leaves here as one of ours."""
        try:
            yield
        except OSError as error:
            message = f"{self.url}: {error.strerror or error}"
            raise LogError(message, hint="the archive's folder must be there, readable and writable") from None


def file_sha256(path: Path) -> str:
    """Of a local file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    for place, flags in ((path, os.O_RDONLY), (path.parent, os.O_RDONLY | os.O_DIRECTORY)):
        fd = os.open(place, flags)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
