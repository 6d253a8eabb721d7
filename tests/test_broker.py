"""The broker's connection when Redis goes away."""

import pytest
from redis import ConnectionError as RedisConnectionError

from config.broker import Transport
from config.celery import app


def test_a_closed_connection_is_a_connection_error() -> None:
    """Anything else ends the worker, which then neither reconnects nor delivers."""
    connection = app.connection_for_write()
    channel = connection.default_channel
    connection.collect()

    with pytest.raises(RedisConnectionError) as caught:
        channel.qos.restore_unacked()

    assert isinstance(caught.value, Transport.connection_errors)
