"""Open files by an address, such as ``s3://bucket/day.csv`` or ``https://host/day.csv.gz``, with fsspec."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from headwater.errors import MissingExtra, SourceError
from headwater.streams.files.addresses import WEB, check_no_table, shown

__all__ = ["listed", "open_remote"]

_BUFFER = 1 << 16
_EXTRAS = {
    "s3": ("s3fs", "s3"),
    "gs": ("gcsfs", "gcs"),
    "gcs": ("gcsfs", "gcs"),
    "http": ("aiohttp", "http"),
    "https": ("aiohttp", "http"),
}
_PATTERN = frozenset("*?[")


def listed(address: str) -> list[str] | None:
    """Return the addresses in a folder or of a pattern, sorted by name, or None for the address of one file.

    A web server lists nothing, so an address of it is always that of a file.

    Raises
    ------
    SourceError
        If the address can't be reached.
    MissingExtra
        If the package for such addresses is not installed.
    """
    scheme = urlsplit(address).scheme
    files = _file_system(address)
    if scheme in WEB:
        return None
    with _plainly(address):
        path = files._strip_protocol(address)
        if not _PATTERN.isdisjoint(path) and not files.exists(path):
            found = files.glob(path)
        elif files.isdir(path):
            entries = {entry["name"]: entry["type"] for entry in files.ls(path, detail=True)}
            check_no_table([name.rstrip("/") for name in entries], address)
            found = [name for name, kind in entries.items() if kind == "file"]
        else:
            return None
        return sorted(files.unstrip_protocol(name) for name in found)


def open_remote(address: str) -> tuple[io.BufferedReader[Any], int | None]:
    """Return a reader of an address's bytes, and their number if the server tells it.

    Raises
    ------
    SourceError
        If the address can't be reached.
    MissingExtra
        If the package for such addresses is not installed.
    """
    files = _file_system(address)
    with _plainly(address):
        info = files.info(address)
        parts = urlsplit(address).scheme not in WEB or info.get("partial")
        # A web server that knows no ranges is read in order, since a second block would be the first one again.
        file = files.open(address, "rb", **({} if parts else {"block_size": 0}))
    return io.BufferedReader(_Remote(file, address, seekable=bool(parts)), _BUFFER), info.get("size")


class _Remote(io.RawIOBase):
    """File behind an address, whose errors are sentences."""

    def __init__(self, file: Any, address: str, *, seekable: bool) -> None:
        self._file, self._address, self._seekable = file, address, seekable

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._seekable

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        with _plainly(self._address):
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _file_system(address: str) -> Any:
    scheme = urlsplit(address).scheme
    package, extra = _EXTRAS.get(scheme, ("fsspec", "http"))
    for needed in ("fsspec", package):
        if not find_spec(needed):
            raise MissingExtra(package=needed, extra=extra, at=shown(address))
    import fsspec

    try:
        return fsspec.core.url_to_fs(address)[0]
    except ImportError as error:
        raise SourceError(
            expected="an address that can be opened",
            got=f"one whose package is not installed ({error})",
            at=shown(address),
            help="Install that package.",
        ) from error
    except ValueError as error:
        known = ", ".join(f"{scheme}://" for scheme in ("s3", "gs", "https", "delta"))
        raise SourceError(
            expected=f"a file, or an address such as {known}",
            got=f"{scheme}://",
            at=shown(address),
            help="Check how it begins.",
        ) from error


@contextmanager
def _plainly(address: str) -> Iterator[None]:
    """Raise the errors of networks and their clients as one sentence."""
    try:
        yield
    except _foreign_errors() as error:
        cause = error.__cause__ or error  # fsspec calls any refusal of a web server a missing file
        if isinstance(error, FileNotFoundError) and (cause is error or _status(cause) == 404):
            raise SourceError(
                expected="a file at the address", got="no such file", at=shown(address), help="Check its path."
            ) from error
        raise SourceError(
            expected="an address that can be read", got=_reason(cause, address), at=shown(address), help=_HELP
        ) from error


_HELP = "Check the network and the login: a user's own, as its command line keeps it, is taken."


def _reason(error: BaseException, address: str) -> str:
    """Return the first line of an error, without the address and its secrets."""
    status = _status(error)
    if status is not None:
        return f"the status {status} ({getattr(error, 'message', '')})"
    line = (str(error) or type(error).__name__).split("\n")[0].replace(address, shown(address)).rstrip(".")
    return line if len(line) < 200 else f"{line[:200]}…"


def _status(error: BaseException) -> int | None:
    """Return the status of a web server's refusal."""
    return getattr(error, "status", None)


def _foreign_errors() -> tuple[type[BaseException], ...]:
    """Return the errors of the clients that are installed, of which each has a hierarchy of its own."""
    errors: list[type[BaseException]] = [OSError, ValueError]
    if find_spec("aiohttp"):
        import aiohttp

        errors.append(aiohttp.ClientError)
    if find_spec("botocore"):
        from botocore.exceptions import BotoCoreError, ClientError

        errors += [BotoCoreError, ClientError]
    if find_spec("gcsfs"):
        from gcsfs.retry import HttpError
        from google.auth.exceptions import GoogleAuthError

        errors += [HttpError, GoogleAuthError]
    return tuple(errors)
