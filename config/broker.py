"""Kombu's Redis transport, with one fault mended: a Redis that goes away must not take the worker with it.

Kombu 5.7.0, asked to acknowledge or give back a message on a connection that it has closed already, raises an
AttributeError. Celery takes that for unrecoverable and the worker ends. As a connection error it is what it is: the
worker reconnects, and the message is delivered again.
"""

from typing import Any

from kombu.transport import redis as kombu_redis
from redis import ConnectionError as RedisConnectionError


class Channel(kombu_redis.Channel):
    def _connparams(self, *args: Any, **options: Any) -> Any:
        if self.connection is None or self.connection.client is None:
            raise RedisConnectionError("The connection was closed.")
        return super()._connparams(*args, **options)  # type: ignore[misc]


class Transport(kombu_redis.Transport):
    Channel = Channel
