"""The bytes of a payload: hashed, compressed, and opened again within bounds.

Size and sha256 are always of the uncompressed bytes, since a compressor may write the same value differently tomorrow.
Decompression never yields more than the reference says, so a small object cannot become a large one in memory.
"""

from __future__ import annotations

import zlib
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pyflow_core.errors import PayloadCorruptError
from pyflow_core.payload.extra import require
from pyflow_core.payload.reference import facts_of

if TYPE_CHECKING:
    from pyflow_core.payload.reference import Compression, Reference

_ZSTD_MAX_WINDOW = 128 * 1024 * 1024
_ZSTD_SLICE = 256
_GZIP_WBITS = 31
_OVERHEAD = 1024


class Sealed(NamedTuple):
    """Bytes ready to be stored, with the size and hash of what they hold."""

    data: bytes
    size: int
    sha256: str
    compression: Compression


def seal(raw: bytes, compression: Compression = "none") -> Sealed:
    """Hash and compress.

    Raises:
        MissingExtraError: zstd is asked for and not installed.
    """
    return Sealed(compress(raw, compression), len(raw), sha256(raw).hexdigest(), compression)


def compress(raw: bytes, compression: Compression) -> bytes:
    """The stored form of some bytes."""
    if compression == "gzip":
        # No time in the header: what is stored is then the same on every try.
        compressor = zlib.compressobj(6, zlib.DEFLATED, _GZIP_WBITS)
        return compressor.compress(raw) + compressor.flush()
    if compression == "zstd":
        packed: bytes = _zstandard().ZstdCompressor(level=3).compress(raw)
        return packed
    return raw


def unseal(stored: bytes, reference: Reference) -> bytes:
    """The bytes that a reference names, verified.

    Raises:
        PayloadCorruptError: what is stored is not what was written.
        MissingExtraError: it was compressed with zstd, which is not installed.
    """
    raw = stored if reference.compression == "none" else _decompress(stored, reference)
    if len(raw) != reference.bytes:
        raise PayloadCorruptError(None, facts_of(reference, found_bytes=len(raw)))
    verify_hash(sha256(raw).hexdigest(), len(raw), reference)
    return raw


def verify_hash(found: str, size: int, reference: Reference) -> None:
    """Refuse bytes of another size or hash.

    Raises:
        PayloadCorruptError: they are not what was written.
    """
    if size != reference.bytes or found != reference.sha256:
        raise PayloadCorruptError(None, facts_of(reference, found_bytes=size, found_sha256=found))


def most_stored_bytes(reference: Reference) -> int:
    """How many bytes an intact object of this reference takes at most in its store.

    A compressor makes random bytes a little larger; more than that is another object.
    """
    if reference.compression == "none":
        return reference.bytes
    return reference.bytes + reference.bytes // 100 + _OVERHEAD


class Decompressor(Protocol):
    """Takes stored chunks and gives raw ones, at most `most` bytes in all."""

    def feed(self, chunk: bytes) -> bytes:
        """The raw bytes of another chunk.

        Raises:
            PayloadCorruptError: this is no compressed data, or it holds more than was written.
        """
        ...

    def finish(self) -> None:
        """Nothing more comes.

        Raises:
            PayloadCorruptError: the end is missing.
        """
        ...


def decompressor(reference: Reference) -> Decompressor:
    """What opens the stored chunks of a payload one after the other."""
    if reference.compression == "gzip":
        return _Gzip(reference)
    if reference.compression == "zstd":
        return _Zstd(reference)
    return _Plain(reference)


def _decompress(stored: bytes, reference: Reference) -> bytes:
    opener = decompressor(reference)
    raw = opener.feed(stored)
    opener.finish()
    return raw


class _Bounded:
    """Counts what came out, and refuses more than the reference says."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._left = reference.bytes

    def _take(self, raw: bytes) -> bytes:
        self._left -= len(raw)
        if self._left < 0:
            raise self._corrupt("it holds more bytes")
        return raw

    def _corrupt(self, why: str) -> PayloadCorruptError:
        facts = facts_of(self._reference)
        return PayloadCorruptError(f"the payload in the store is not the one that was written: {why}", facts)


class _Plain(_Bounded):
    def feed(self, chunk: bytes) -> bytes:
        return self._take(chunk)

    def finish(self) -> None:
        pass


class _Gzip(_Bounded):
    def __init__(self, reference: Reference) -> None:
        super().__init__(reference)
        self._stream = zlib.decompressobj(_GZIP_WBITS)

    def feed(self, chunk: bytes) -> bytes:
        try:
            raw = self._stream.decompress(chunk, self._left + 1)
        except zlib.error:
            raise self._corrupt("it is no gzip data") from None
        if self._stream.unused_data:
            raise self._corrupt("something follows its end")
        return self._take(raw)

    def finish(self) -> None:
        if not self._stream.eof:
            raise self._corrupt("its end is missing")


class _Zstd(_Bounded):
    def __init__(self, reference: Reference) -> None:
        super().__init__(reference)
        zstandard = _zstandard()
        self._error: type[Exception] = zstandard.ZstdError
        self._stream: Any = zstandard.ZstdDecompressor(max_window_size=_ZSTD_MAX_WINDOW).decompressobj()

    def feed(self, chunk: bytes) -> bytes:
        # The library does not bound what a push gives; a block of 128 KiB takes at least four bytes, so slices do.
        return b"".join(self._push(chunk[at : at + _ZSTD_SLICE]) for at in range(0, len(chunk), _ZSTD_SLICE))

    def _push(self, part: bytes) -> bytes:
        if self._stream.eof:
            raise self._corrupt("something follows its end")
        try:
            raw: bytes = self._stream.decompress(part)
        except self._error:
            raise self._corrupt("it is no zstd data") from None
        if self._stream.unused_data:
            raise self._corrupt("something follows its end")
        return self._take(raw)

    def finish(self) -> None:
        if not self._stream.eof:
            raise self._corrupt("its end is missing")


def _zstandard() -> Any:
    return require("zstd", "zstandard", what="payloads compressed with zstd")
