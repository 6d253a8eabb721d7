"""What a person sees of a room on the wall: the same for the page and for live updates."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from rooms.models import Room

HUES: Final = 12
COUNT_LIMIT: Final = 999
# As short as the badges say it.
STATUS_WORDS: Final = {
    Room.Status.TO_BE_STARTED: pgettext_lazy("room status", "Scheduled"),
    Room.Status.ON_LIVE: pgettext_lazy("room status", "Live"),
    Room.Status.PAUSED: pgettext_lazy("room status", "Paused"),
    Room.Status.ENDED: pgettext_lazy("room status", "Ended"),
    Room.Status.PLAYED_BACK: pgettext_lazy("room status", "Replay"),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """What `components/tile.html` writes down. The pulse (messages a minute, sparkline) comes from elsewhere."""

    id: int
    url: str
    title: str
    cover_url: str
    hue: int
    anchor: str
    group_id: str
    status: str
    is_mute_all: bool
    online_count: int
    peak_online_count: int
    message_count: int
    note: str
    scheduled_at: datetime | None
    started_at: datetime | None
    id_text: str
    messages_per_minute: str = "–"
    points: str = ""


@dataclass(frozen=True, slots=True)
class StatusCount:
    status: str
    label: Promise
    count: str


def tile(room: Room) -> Tile:
    return Tile(
        id=room.pk,
        url=room.get_absolute_url(),
        title=room.title,
        cover_url=room.cover_url,
        hue=hue(room),
        anchor=room.anchor.display_name,
        group_id=room.group_id,
        status=room.status,
        is_mute_all=room.is_mute_all,
        online_count=room.online_count,
        peak_online_count=room.peak_online_count,
        message_count=room.message_count,
        note=_note(room),
        scheduled_at=room.scheduled_at,
        started_at=room.started_at,
        id_text=str(room.pk),
    )


def hue(room: Room) -> int:
    """The painted cover's colour: any room's, and always the same."""
    return room.pk % HUES


def status_counts(visible: QuerySet[Room]) -> list[StatusCount]:
    """How many rooms there are in each status, counted up to a limit, so that it costs the same on any wall."""
    counts = []
    for status in Room.Status:
        count = visible.filter(status=status).order_by()[: COUNT_LIMIT + 1].count()
        counts.append(
            StatusCount(status, STATUS_WORDS[status], f"{COUNT_LIMIT}+" if count > COUNT_LIMIT else str(count))
        )
    return counts


def _note(room: Room) -> str:
    if room.status == Room.Status.TO_BE_STARTED and room.scheduled_at:
        local = timezone.localtime(room.scheduled_at)
        is_today = local.date() == timezone.localdate()
        return local.strftime("%H:%M" if is_today else "%Y-%m-%d %H:%M")
    if room.status == Room.Status.ON_LIVE and room.is_mute_all:
        return _("Muted")
    return ""
