"""`manage.py ingest`: from the inbox to the handlers, until told to stop."""

import logging
import signal
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections, connection
from redis import RedisError

from rooms import deliveries, health
from rooms.inbox import Reader

logger = logging.getLogger(__name__)

_PULSE_SECONDS = 5.0
_STORED_SECONDS = 1.0


class Command(BaseCommand):
    help = "Read Chat's callbacks from the inbox, store each once and run the handlers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=500, help="stream entries in one transaction")
        parser.add_argument("--once", action="store_true", help="stop when the inbox is empty")

    def handle(self, *args: Any, **options: Any) -> None:
        loop = IngestLoop(Reader(), batch=options["batch"], is_once=options["once"])
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: loop.stop())
        loop.run()


class IngestLoop:
    """Reads, handles, acknowledges; on a lost database or Redis it waits and reads the same again."""

    def __init__(self, reader: Reader, *, batch: int, is_once: bool = False) -> None:
        self._reader, self._batch, self._is_once = reader, batch, is_once
        self._is_stopping = False
        self._pulse_at = self._stored_at = 0.0

    def stop(self) -> None:
        self._is_stopping = True

    def run(self) -> None:
        while not self._is_stopping:
            try:
                is_idle = not self._step()
            except (DatabaseError, RedisError, OSError) as error:
                logger.warning("ingest waits: %s: %s", type(error).__name__, error)
                self._reader.rewind()
                connection.close()
                time.sleep(0.5)
                continue
            if is_idle and self._is_once:
                return

    def _step(self) -> bool:
        """One round; whether anything was done."""
        now = time.monotonic()
        handled = 0
        if now - self._stored_at > _STORED_SECONDS:
            self._stored_at = now
            close_old_connections()
            handled = deliveries.handle_stored(limit=self._batch)
        if now - self._pulse_at > _PULSE_SECONDS:
            self._pulse_at = now
            health.record_pulse("ingest")
        reads = self._reader.read(limit=self._batch, block_milliseconds=200 if self._is_once else 500)
        if reads:
            deliveries.store_and_handle([entry for read in reads for entry in read.entries])
            self._reader.acknowledge(reads)
        return bool(reads) or handled > 0
