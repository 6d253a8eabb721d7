"""What a person reads of a room's audit entries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from rooms.models import AuditEntry

# Verb → sentence and icon. What is not listed is no part of a room's story (a single message, a retry).
SENTENCES: Final[dict[str, tuple[Promise, str]]] = {
    "rooms.room.created": (_("Created"), "plus"),
    "rooms.room.edited": (_("Title, cover or time changed"), "edit"),
    "rooms.room.started": (_("Went live"), "live"),
    "rooms.room.paused": (_("Paused"), "pause"),
    "rooms.room.resumed": (_("Live again"), "play"),
    "rooms.room.ended": (_("Ended"), "stop"),
    "rooms.room.replay_published": (_("Replay published"), "replay"),
    "rooms.mute_all.set": (_("Everyone muted"), "mic-off"),
    "rooms.mute_all.lifted": (_("Everyone may speak"), "mic"),
    "rooms.group.destroyed": (_("Chat deleted the group"), "alert"),
}


@dataclass(frozen=True, slots=True)
class Line:
    sentence: Promise
    icon: str
    is_live: bool
    actor_name: str
    created_at: datetime


def lines(entries: Iterable[AuditEntry]) -> list[Line]:
    return [_line(entry) for entry in entries if entry.verb in SENTENCES]


def _line(entry: AuditEntry) -> Line:
    sentence, icon = SENTENCES[entry.verb]
    is_live = entry.verb in {"rooms.room.started", "rooms.room.resumed"}
    return Line(sentence, icon, is_live, entry.actor_name, entry.created_at)
