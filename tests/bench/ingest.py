"""Ingest (read, deduplicate, store, handle, acknowledge) against a bare multi-row insert of the rows it leaves.

Needs PostgreSQL in DATABASE_URL or the PG* variables of pg_virtualenv (`make bench` provides them).
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.bench import servers, traffic
from tests.bench.door import print_ratio

ROOMS = 50
EVENTS = 20_000
ROUNDS = 3
BATCH = 500
TABLES = ("rooms_webhookdelivery", "rooms_message", "rooms_viewer", "rooms_membership", "stats_roomminute")


def main() -> None:
    with tempfile.TemporaryDirectory() as name, servers.redis_server(Path(name)) as redis_url:
        os.environ["REDIS_URL"] = redis_url
        os.environ["DATABASE_URL"] = _database_url()
        os.environ["DEBUG"] = "true"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        os.environ["LOG_LEVEL"] = "ERROR"
        import django

        django.setup()
        _run()


def _run() -> None:
    from django.conf import settings
    from django.core.management import call_command

    settings.DEBUG = False  # DEBUG keeps every query in memory
    call_command("migrate", verbosity=0)
    _create_rooms()
    ingested: list[float] = []
    inserted: list[float] = []
    for round_number in range(ROUNDS):
        _empty_tables()
        _fill_inbox(round_number)
        ingested.append(EVENTS / _seconds(_ingest))
        rows = {table: _read_rows(table) for table in TABLES}
        _empty_tables()
        inserted.append(EVENTS / _seconds(lambda rows=rows: _insert(rows)))
    print(f"ingest   median {statistics.median(ingested):9,.0f} events/s")
    print(f"insert   median {statistics.median(inserted):9,.0f} events/s (the same rows, nothing else)")
    print_ratio("ingest / bare multi-row insert", ingested, inserted, target=0.25)


def _create_rooms() -> None:
    from rooms.models import Room, User

    anchor, _ = User.objects.get_or_create(username="bench", defaults={"account": "bench"})
    Room.objects.bulk_create(
        [Room(title=f"Bench {number}", anchor=anchor, group_id=f"room_{number}") for number in range(ROOMS)],
        ignore_conflicts=True,
    )


def _fill_inbox(round_number: int) -> None:
    """Pairs of before and after callbacks, as a chat produces them."""
    from rooms import inbox
    from rooms.chat import protocol

    entries = []
    for number in range(EVENTS // 2):
        serial = round_number * EVENTS + number + 1
        for command in (protocol.BEFORE_SEND, protocol.AFTER_SEND):
            entries.append(traffic.entry(serial, group_id=f"room_{serial % ROOMS}", command=command))
    for start in range(0, len(entries), 5):
        inbox.append(entries[start : start + 5])


def _ingest() -> None:
    from rooms.inbox import Reader
    from rooms.management.commands.ingest import IngestLoop

    IngestLoop(Reader(), batch=BATCH // 5, is_once=True).run()


def _read_rows(table: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} ORDER BY id")
        columns = [column.name for column in cursor.description]
        return columns, [tuple(_plain(value) for value in row) for row in cursor.fetchall()]


def _insert(tables: dict[str, tuple[list[str], list[tuple[Any, ...]]]]) -> None:
    """Multi-row inserts of the ingest's own batch size, a transaction each."""
    from django.db import connection, transaction

    for table in ("rooms_viewer", *(name for name in tables if name != "rooms_viewer")):
        columns, rows = tables[table]
        row = "(" + ", ".join(["%s"] * len(columns)) + ")"
        for start in range(0, len(rows), BATCH):
            chunk = rows[start : start + BATCH]
            statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * len(chunk))}"
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement, [value for values in chunk for value in values])


def _empty_tables() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")


def _plain(value: object) -> object:
    import json

    return json.dumps(value) if isinstance(value, list | dict) else value


def _seconds(action: Callable[[], None]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _database_url() -> str:
    if url := os.environ.get("DATABASE_URL", ""):
        return url
    if "PGPORT" not in os.environ:
        raise SystemExit("The ingest benchmark needs PostgreSQL: run it by `make bench`.")
    user, password = quote(os.environ["PGUSER"]), quote(os.environ["PGPASSWORD"])
    host = os.environ.get("PGHOST", "localhost")
    return f"postgres://{user}:{password}@{host}:{os.environ['PGPORT']}/postgres"


if __name__ == "__main__":
    main()
