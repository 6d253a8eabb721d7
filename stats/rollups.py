"""Increments of room minutes: one `INSERT ... ON CONFLICT DO UPDATE` a batch, on both databases."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from stats.models import RoomMinute

_COUNTS = ("before_count", "message_count", "join_count", "exit_count")


@dataclass(slots=True)
class Increment:
    before_count: int = 0
    message_count: int = 0
    join_count: int = 0
    exit_count: int = 0


def add_minutes(increments: Mapping[tuple[int, datetime], Increment]) -> None:
    """Add to the minutes of `(room id, minute)`; never reads, so that no two writers lose a count."""
    if not increments:
        return
    table = connection.ops.quote_name(RoomMinute._meta.db_table)
    columns = ", ".join(("room_id", "minute", *_COUNTS))
    updates = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in _COUNTS)
    row = "(" + ", ".join(["%s"] * (2 + len(_COUNTS))) + ")"
    values: list[Any] = []
    adapt = connection.ops.adapt_datetimefield_value
    for (room_id, minute), increment in sorted(increments.items()):
        values += [room_id, adapt(minute), *(getattr(increment, name) for name in _COUNTS)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({columns}) VALUES {', '.join([row] * len(increments))} "  # noqa: S608
            f"ON CONFLICT (room_id, minute) DO UPDATE SET {updates}",
            values,
        )
