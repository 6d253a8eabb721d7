"""The one place that opens Redis connections, and the names of what Greenroom keeps there."""

from functools import cache
from typing import Final

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.connection import AbstractConnection
from redis.backoff import NoBackoff
from redis.retry import Retry

INBOX_STREAM: Final = "greenroom:inbox:0"
LIVE_STREAM: Final = "greenroom:live"
QUOTA_PREFIX: Final = "greenroom:quota:"
PULSE_PREFIX: Final = "greenroom:pulse:"


@cache
def connection() -> redis.Redis:
    """A pooled, thread-safe client that fails fast: callers decide what a lost Redis means to them."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=5, retry=Retry(NoBackoff(), 0)
    )


def async_client() -> redis.asyncio.Redis:
    """A client for the event loop that calls this; close it with `aclose`."""
    return redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1)


def async_connection() -> AbstractConnection:
    """One bare connection, not yet connected, for whoever writes commands itself."""
    pool = redis.asyncio.ConnectionPool.from_url(settings.REDIS_URL, socket_connect_timeout=1)
    connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]
    return connection
