"""Files at addresses that fsspec knows, such as s3://: credentials or none, retries, a cache.

A network goes away and comes back: whatever is read here is asked for again, with growing pauses,
for `PATIENCE_S`, so that a training survives it; then one sentence tells what is wrong.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeVar

import zarr
import zarr.storage

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

_Result = TypeVar("_Result")

PATIENCE_S = 60.0
"""So long is a server that does not answer asked again."""

FIRST_PAUSE_S = 0.25
"""Before the first repetition; each pause doubles the one before, up to `LONGEST_PAUSE_S`."""

LONGEST_PAUSE_S = 8.0

CACHE_BYTES = 256 * 1024**2
"""Most that the blocks take which are kept in memory, of all addresses together."""


def is_address(place: object) -> bool:
    """Return whether `place` is an address such as s3://bucket/image.zarr, not a local path."""
    return "://" in str(place)


def open_remote_node(place: str) -> zarr.Array[Any] | zarr.Group:
    """Open a zarr array or group at an address, for reading.

    Raises
    ------
    FileNotFoundError, BaseZarrError
        If there is none.
    TomoscribeError
        If there is no such bucket, access is refused, or the server does not answer.
    """

    def opened(options: dict[str, Any]) -> zarr.Array[Any] | zarr.Group:
        store = zarr.storage.FsspecStore.from_url(
            place,
            storage_options=options | _client_options(place),
            read_only=True,
            allowed_exceptions=(),  # what is missing is told apart by `PatientStore`
        )
        return zarr.open(PatientStore(store, place), mode="r")

    return with_access(place, opened)


def find(pattern: str) -> list[str]:
    """Return the addresses that a pattern with * matches, sorted, with their scheme.

    Raises
    ------
    TomoscribeError
        If there is no such bucket, access is refused, or the server does not answer.
    """
    scheme = pattern.partition("://")[0]

    def found(options: dict[str, Any]) -> list[str]:
        system, path = _file_system(pattern, options)
        return sorted(f"{scheme}://{name}" for name in _again(pattern, lambda: system.glob(path)))

    try:
        names = with_access(pattern, found)
    except FileNotFoundError:
        names = []
    if not names:
        require_bucket(pattern)
    return names


def exists(address: str) -> bool:
    """Return whether a file or folder is at an address.

    Raises
    ------
    TomoscribeError
        If access is refused, or the server does not answer.
    """

    def there(options: dict[str, Any]) -> bool:
        system, path = _file_system(address, options)
        return bool(_again(address, lambda: system.exists(path)))

    return with_access(address, there)


def with_access(place: str, action: Callable[[dict[str, Any]], _Result]) -> _Result:
    """Return what `action` returns, with the user's credentials, else without any.

    Parameters
    ----------
    place : str
        An address; public buckets on S3 are read without credentials.
    action : callable
        Takes the storage options of fsspec.

    Raises
    ------
    TomoscribeError
        If access is refused both ways.
    """
    options: list[dict[str, Any]] = [{}]
    refused: tuple[type[Exception], ...] = (PermissionError,)
    if place.startswith("s3://"):
        from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

        options.append({"anon": True})
        # No credentials, half of them, a profile that is not there.
        refused = (PermissionError, BotoCoreError)
    reason = ""
    for option in options:
        try:
            return action(option)
        except refused as error:
            reason = str(error)
    raise TomoscribeError(
        f"{place} cannot be read: access is refused with your credentials and without any "
        f"({reason})."
    )


def _is_transient(error: Exception) -> bool:
    """Return whether a network or a server may be well again in a moment."""
    from aiohttp import ClientError
    from botocore import exceptions as boto  # type: ignore[import-untyped]

    passing = (
        OSError,
        ClientError,
        boto.ConnectionError,
        boto.HTTPClientError,
        boto.IncompleteReadError,
        boto.ResponseStreamingError,
    )
    return isinstance(error, passing) and not isinstance(error, (*_MISSING, PermissionError))


class _Pauses:
    """Growing pauses between attempts, until the patience is used up."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._until = time.monotonic() + PATIENCE_S
        self._next_s = FIRST_PAUSE_S

    def after(self, error: Exception) -> float:
        """Return the seconds to wait after an error; raise what cannot or need not be waited for.

        Raises
        ------
        TomoscribeError
            If the patience is used up.
        """
        if not _is_transient(error):
            raise error
        if time.monotonic() + self._next_s > self._until:
            raise _gone(self._place, error) from error
        pause, self._next_s = self._next_s, min(2 * self._next_s, LONGEST_PAUSE_S)
        return pause


def _again(place: str, action: Callable[[], _Result]) -> _Result:
    pauses = _Pauses(place)
    while True:
        try:
            return action()
        except Exception as error:  # noqa: BLE001  (what cannot be mended is raised again)
            time.sleep(pauses.after(error))


async def _again_async(place: str, action: Callable[[], Awaitable[_Result]]) -> _Result:
    pauses = _Pauses(place)
    while True:
        try:
            return await action()
        except Exception as error:  # noqa: BLE001  (what cannot be mended is raised again)
            await asyncio.sleep(pauses.after(error))


def _gone(place: str, error: Exception) -> TomoscribeError:
    reason = str(error).strip().rstrip(".") or type(error).__name__
    return TomoscribeError(
        f"{place} cannot be reached: the server has not answered for {PATIENCE_S:.0f} s "
        f"({reason}); check the network, then resume or try again."
    )


def _client_options(place: str) -> dict[str, Any]:
    """Return options with which a library's client fails fast: patience is ours alone."""
    if not place.startswith("s3://"):
        return {}
    limits = {"connect_timeout": 10, "read_timeout": 30, "retries": {"max_attempts": 1}}
    options: dict[str, Any] = {"config_kwargs": limits}
    # fsspec keeps its clients by their options, and does not know that the environment changed.
    server = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return options | ({"endpoint_url": server} if server else {})


def _file_system(place: str, options: dict[str, Any]) -> tuple[Any, str]:
    import fsspec

    # What was listed before says nothing of what is there now.
    options = options | _client_options(place) | {"use_listings_cache": False}
    system, path = fsspec.url_to_fs(place, **options)
    return system, path


def require_bucket(place: str) -> None:
    """Check that the bucket of an address exists, where that can be asked.

    Raises
    ------
    TomoscribeError
        If there is none.
    """
    if not place.startswith("s3://"):
        return
    bucket = place.removeprefix("s3://").partition("/")[0]

    def asked(options: dict[str, Any]) -> None:
        system, _ = _file_system(place, options)
        _again(place, lambda: system.call_s3("list_objects_v2", Bucket=bucket, MaxKeys=1))

    try:
        with_access(place, asked)
    except FileNotFoundError as error:
        raise _no_bucket(place) from error


def _no_bucket(place: str) -> TomoscribeError:
    bucket = place.removeprefix("s3://").partition("/")[0]
    return TomoscribeError(
        f"There is no bucket '{bucket}', of {place}: check its name, and AWS_ENDPOINT_URL "
        "where it is on a server of your own."
    )


class _BlockCache:
    """The blocks that were read last, up to a number of bytes; threads may share it."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes, self.bytes = limit_bytes, 0
        self._blocks: OrderedDict[object, Buffer] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object) -> Buffer | None:
        with self._lock:
            if key in self._blocks:
                self._blocks.move_to_end(key)
            return self._blocks.get(key)

    def put(self, key: object, block: Buffer) -> None:
        with self._lock:
            if key in self._blocks or len(block) > self.limit_bytes:
                return
            self._blocks[key] = block
            self.bytes += len(block)
            while self.bytes > self.limit_bytes:
                _, oldest = self._blocks.popitem(last=False)
                self.bytes -= len(oldest)


_CACHE = _BlockCache(CACHE_BYTES)

_MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


class PatientStore(zarr.storage.WrapperStore[zarr.storage.FsspecStore]):
    """A remote store that asks again when the network fails, and keeps the blocks read last.

    A block that cannot be read is an error, never a block of the fill value.
    """

    def __init__(self, store: zarr.storage.FsspecStore, place: str = "") -> None:
        super().__init__(store)
        self._place = place

    def _with_store(self, store: zarr.storage.FsspecStore) -> PatientStore:
        return type(self)(store, self._place)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return a block, from memory where it was read before."""
        known = (self._place, key, byte_range)
        block = _CACHE.get(known)
        if block is not None:
            return block
        try:
            block = await _again_async(
                self._place, lambda: self._store.get(key, prototype, byte_range)
            )
        except _MISSING as error:
            # A block that was never written is the fill value; a bucket that went is an error.
            if "NoSuchBucket" in str(getattr(error.__cause__, "response", "")):
                raise _no_bucket(self._place) from error
            return None
        # Metadata are read once a node, and may be written anew.
        if block is not None and not key.rpartition("/")[2].startswith((".z", "zarr.json")):
            _CACHE.put(known, block)
        return block

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Return parts of blocks."""
        parts = [self.get(key, prototype, part) for key, part in key_ranges]
        return list(await asyncio.gather(*parts))

    async def exists(self, key: str) -> bool:
        """Return whether a key is there."""
        return await _again_async(self._place, lambda: self._store.exists(key))

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names below a prefix."""
        return self._listed(prefix)

    async def _listed(self, prefix: str) -> AsyncIterator[str]:
        async def names() -> list[str]:
            return [name async for name in self._store.list_dir(prefix)]

        for name in await _again_async(self._place, names):
            yield name
