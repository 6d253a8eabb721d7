"""Questions to the minutes. Reads only."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from stats.models import RoomMinute

PULSE_MINUTES: Final = 30
SPARK_WIDTH: Final = 72
SPARK_HEIGHT: Final = 20
_MARGIN: Final = 1.5


@dataclass(frozen=True, slots=True)
class Pulse:
    """A room's last half hour: messages in each whole minute, oldest first, and the last whole minute's number."""

    room_id: int
    counts: tuple[int, ...]

    @property
    def rate(self) -> int:
        return self.counts[-1]

    @property
    def points(self) -> str:
        """The polyline of `components/sparkline.html`; empty for a room in which nobody spoke."""
        highest = max(self.counts)
        if not highest:
            return ""
        step = SPARK_WIDTH / (len(self.counts) - 1)
        height = SPARK_HEIGHT - 2 * _MARGIN
        return " ".join(
            f"{index * step:.1f},{SPARK_HEIGHT - _MARGIN - count / highest * height:.1f}"
            for index, count in enumerate(self.counts)
        )


def pulses(room_ids: Collection[int], *, now: datetime) -> list[Pulse]:
    """One pulse for each room, in one query."""
    end = now.replace(second=0, microsecond=0)
    start = end - timedelta(minutes=PULSE_MINUTES)
    counts = {room_id: [0] * PULSE_MINUTES for room_id in room_ids}
    minutes = RoomMinute.objects.filter(room_id__in=counts, minute__gte=start, minute__lt=end)
    for room_id, minute, count in minutes.values_list("room_id", "minute", "message_count"):
        counts[room_id][int((minute - start).total_seconds() // 60)] += count
    return [Pulse(room_id, tuple(values)) for room_id, values in counts.items()]
