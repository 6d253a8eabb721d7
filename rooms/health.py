"""What `/readyz` and `/metrics` report: is every part of Greenroom there and keeping up."""

import time
from collections.abc import Callable
from typing import Final

from django.db import DatabaseError, connection
from redis import RedisError

from rooms import redis

# Beat ticks every 5 s; three missed ticks mean beat or the workers are gone.
PULSE_LIMIT_SECONDS: Final = 20


def record_pulse(part: str = "worker") -> None:
    """Note that a part of Greenroom is alive now."""
    redis.connection().set(f"{redis.PULSE_PREFIX}{part}", int(time.time()), ex=PULSE_LIMIT_SECONDS)


def check() -> dict[str, str]:
    """Every part by name: `ok`, or what is wrong with it."""
    checks: dict[str, Callable[[], str]] = {
        "database": _check_database,
        "redis": _check_redis,
        "worker": lambda: _check_pulse("worker"),
        "ingest": lambda: _check_pulse("ingest"),
    }
    return {name: run() for name, run in checks.items()}


def _check_database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"unreachable ({type(error).__name__})"
    return "ok"


def _check_redis() -> str:
    try:
        redis.connection().ping()
    except RedisError as error:
        return f"unreachable ({type(error).__name__})"
    return "ok"


def _check_pulse(part: str) -> str:
    try:
        is_alive = redis.connection().exists(f"{redis.PULSE_PREFIX}{part}")
    except RedisError:
        return "unknown without Redis"
    return "ok" if is_alive else f"no sign of life for {PULSE_LIMIT_SECONDS} s"
