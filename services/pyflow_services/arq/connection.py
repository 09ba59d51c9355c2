"""Where the Redis server is, and how to speak of it when it cannot be reached."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from pyflow_core.errors import MissingExtraError, SettingsError, StoreUnavailableError
from pyflow_core.url import shown_url

if TYPE_CHECKING:
    from collections.abc import Generator

    from arq.connections import ArqRedis, RedisSettings

SCHEMES = ("redis", "rediss", "unix")
CONNECT_SECONDS = 5


def require_arq() -> None:
    """Refuse to go on without arq and redis.

    Raises:
        MissingExtraError: they are not installed.
    """
    try:
        import arq  # noqa: F401 # pyright: ignore[reportUnusedImport]
        import redis  # noqa: F401 # pyright: ignore[reportUnusedImport]
    except ImportError as error:
        raise MissingExtraError(
            f"a queue on Redis needs {error.name}: run `pip install 'pyflow-workflows[redis]'`"
        ) from None


def redis_settings(url: str) -> RedisSettings:
    """What arq needs to connect to a URL.

    Shapes: `redis://[user[:password]@]host[:port][/database]`, `rediss://` for the same over TLS, and
    `unix://[user[:password]@]/path[?db=database]`. User and password are percent-encoded.

    Raises:
        SettingsError: the URL is wrong.
        MissingExtraError: arq is not installed.
    """
    parts, port, database = _parse(url)
    require_arq()
    from arq.connections import RedisSettings

    # arq's own `from_dsn` leaves user and password percent-encoded.
    return RedisSettings(
        host=parts.hostname or "localhost",
        port=port or 6379,
        unix_socket_path=unquote(parts.path) if parts.scheme == "unix" else None,
        database=database,
        username=None if parts.username is None else unquote(parts.username) or None,
        password=None if parts.password is None else unquote(parts.password),
        ssl=parts.scheme == "rediss",
        conn_timeout=CONNECT_SECONDS,
    )


def check_url(url: str) -> None:
    """Refuse a wrong URL, without arq.

    Raises:
        SettingsError: the URL is wrong.
    """
    _parse(url)


def _parse(url: str) -> tuple[SplitResult, int | None, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        database = _database(parts, options.pop("db", []))
    except ValueError:
        raise SettingsError(f"queue = {shown_url(url)!r} is no URL of a Redis server: {_SHAPE}") from None
    if parts.scheme not in SCHEMES or (parts.scheme == "unix" and not parts.path) or options:
        raise SettingsError(f"queue = {shown_url(url)!r} is no URL of a Redis server: {_SHAPE}")
    return parts, port, database


_SHAPE = "write redis://user:password@host:6379/0, rediss://… for TLS, or unix:///path?db=0"


def _database(parts: SplitResult, given: list[str]) -> int:
    text = given[-1] if given else parts.path.strip("/") if parts.scheme != "unix" else ""
    if text and not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text or 0)


async def connect(settings: RedisSettings) -> ArqRedis:
    """A pool of connections that answers; closed again if it does not."""
    from arq.connections import ArqRedis

    pool = ArqRedis(
        host=str(settings.host),
        port=settings.port,
        unix_socket_path=settings.unix_socket_path,
        db=settings.database,
        username=settings.username,
        password=settings.password,
        ssl=settings.ssl,
        socket_connect_timeout=settings.conn_timeout,
    )
    untyped: Any = pool
    try:
        await untyped.ping()
    except BaseException:
        await pool.aclose()
        raise
    return pool


@contextmanager
def unavailable(url: str) -> Generator[None]:
    """Tell every trouble with the server as one error, in one line that names it.

    Raises:
        StoreUnavailableError: there was trouble.
    """
    from redis.exceptions import RedisError

    try:
        yield
    except (TimeoutError, RedisError, OSError) as error:
        raise StoreUnavailableError(f"cannot use the queue at {shown_url(url)}: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """An error in one line."""
    return " ".join(str(error).split()) or type(error).__name__
