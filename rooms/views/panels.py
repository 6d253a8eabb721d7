"""The panels of a room's page: what each needs, and how a change answers.

A page includes the same templates that the panel URLs render. A change has two addresses: the page's, for plain forms
(redirect, or the whole page with the refusal), and the panel's, for htmx (the panel, with a toast).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from rooms import feed, history, live, tiles
from rooms.access import Grant
from rooms.errors import ChangedMeanwhile, NotRetryable, RoomsError, WrongStatus
from rooms.forms.control import ReplayForm, SpeakForm
from rooms.forms.notices import NoticeForm
from rooms.models import AuditEntry, Membership, Message, OutboxCommand, Room
from rooms.services.lifecycle import NEXT_STATUSES
from rooms.services.notices import read_notice
from rooms.views.access import ConsoleRequest, room_view

MEMBER_LIMIT: Final = 100
COMMAND_LIMIT: Final = 30
HISTORY_LIMIT: Final = 30
_CONFLICTS: Final = (WrongStatus, ChangedMeanwhile, NotRetryable)


@dataclass(frozen=True, slots=True)
class Panel:
    """`load` gives the template's own names; `room` and `grant` are always there."""

    template: str
    permission: str
    load: Callable[[Room], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """A button: what may come next."""

    name: str
    label: str
    icon: str
    tone: str
    needs_confirmation: bool = False


def next_steps(room: Room) -> list[Step]:
    """Only what may come next; publishing the replay is a form of its own."""
    is_first = room.status == Room.Status.TO_BE_STARTED
    steps = {
        Room.Status.ON_LIVE: Step("start", _("Go live"), "live", "btn-live")
        if is_first
        else Step("resume", _("Resume"), "play", "btn-live"),
        Room.Status.PAUSED: Step("pause", _("Pause"), "pause", ""),
        Room.Status.ENDED: Step("end", _("End"), "stop", "btn-danger", needs_confirmation=True),
    }
    return [steps[status] for status in NEXT_STATUSES[room.status] if status in steps]


def load_facts(room: Room) -> dict[str, Any]:
    return {"hue": tiles.hue(room)}


def load_controls(room: Room) -> dict[str, Any]:
    newest = _newest_of(room, f"room:{room.pk}:mute_all")
    return {
        "steps": next_steps(room),
        "may_publish_replay": Room.Status.PLAYED_BACK in NEXT_STATUSES[room.status],
        "replay_form": ReplayForm(),
        "mute_all_command": newest if newest and newest.state != OutboxCommand.State.APPLIED else None,
    }


def load_feed(room: Room, before_seq: int | None = None) -> dict[str, Any]:
    """The newest messages, or those older than `before_seq`."""
    messages = Message.objects.filter(room=room).order_by("-seq")
    if before_seq is not None:
        messages = messages.filter(seq__lt=before_seq)
    found = list(messages[: feed.PAGE_SIZE + 1])
    shown = found[: feed.PAGE_SIZE]
    return {
        "rows": feed.rows(shown),
        "feed_groups": feed.Group.choices,
        "older_than": shown[-1].seq if len(found) > len(shown) else None,
    }


def load_members(room: Room, q: str = "") -> dict[str, Any]:
    present = Membership.objects.filter(room=room, is_present=True).select_related("viewer")
    if q:
        present = present.filter(viewer__account__icontains=q)
    found = list(present.order_by("-joined_at", "-pk")[: MEMBER_LIMIT + 1])
    return {"members": found[:MEMBER_LIMIT], "has_more_members": len(found) > MEMBER_LIMIT, "members_q": q}


def load_notice(room: Room) -> dict[str, Any]:
    return notice_preview(room.introduction, room.notification) | {
        "current_notice": room.notices.order_by("-pk").first()
    }


def load_notice_form(room: Room) -> dict[str, Any]:
    return {"notice_form": NoticeForm.of(room, room.notices.order_by("-pk").first())}


def load_speak(room: Room) -> dict[str, Any]:
    return {"speak_form": SpeakForm()}


def load_commands(room: Room) -> dict[str, Any]:
    return {"commands": list(_newest_commands(room)[:COMMAND_LIMIT])}


def load_history(room: Room) -> dict[str, Any]:
    entries = AuditEntry.objects.of_room(room.pk).filter(verb__in=history.SENTENCES)
    return {
        "lines": history.lines(entries.order_by("-pk")[:HISTORY_LIMIT]),
        "notices": list(room.notices.order_by("-pk")[:HISTORY_LIMIT]),
    }


PANELS: Final[dict[str, Panel]] = {
    "facts": Panel("rooms/rooms/_facts.html", "rooms.view_room", load_facts),
    "controls": Panel("rooms/lifecycle/_controls.html", "rooms.operate_room", load_controls),
    "feed": Panel("rooms/messages/_feed.html", "rooms.view_message", load_feed),
    "members": Panel("rooms/viewers/_members.html", "rooms.view_membership", load_members),
    "notice": Panel("rooms/notices/_notice.html", "rooms.view_room", load_notice),
    "notice_form": Panel("rooms/notices/_form.html", "rooms.operate_room", load_notice_form),
    "speak": Panel("rooms/control/_speak.html", "rooms.speak_room", load_speak),
    "commands": Panel("rooms/outbox/_commands.html", "rooms.view_outboxcommand", load_commands),
    "history": Panel("rooms/rooms/_history.html", "rooms.view_room", load_history),
}


def notice_preview(introduction: str, notification: str) -> dict[str, Any]:
    """What a client shows of the two texts."""
    text, images = read_notice(notification)
    return {"introduction": introduction, "notice_text": text, "notice_images": images}


def render_room(
    request: HttpRequest,
    room: Room,
    grant: Grant,
    *,
    status: int = 200,
    changes: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """The whole page. `changes` replace what the panels would load, for a form that was refused."""
    context: dict[str, Any] = {"room": room, "grant": grant, "live_last_id": live.position()}
    context["live_topics"] = f"{room.topic} feed:{room.pk}" if "rooms.view_message" in grant else room.topic
    for name, panel in PANELS.items():
        context[f"has_{name}"] = panel.permission in grant
        if panel.permission in grant:
            context |= panel.load(room)
    return render(request, "rooms/room.html", context | dict(changes or {}), status=status)


def render_panel(
    request: HttpRequest,
    room: Room,
    grant: Grant,
    name: str,
    *,
    status: int = 200,
    changes: Mapping[str, Any] | None = None,
    toast: tuple[str, str] | None = None,
) -> HttpResponse:
    """One panel; `toast` is its kind and its sentence."""
    context = {"room": room, "grant": grant, **PANELS[name].load(room), **(changes or {})}
    response = render(request, PANELS[name].template, context, status=status)
    if toast is not None:
        response["HX-Trigger"] = json.dumps({"toast": {"level": toast[0], "text": toast[1]}})
    return response


def answer_done(
    request: HttpRequest, room: Room, grant: Grant, name: str, sentence: str, *, as_page: bool
) -> HttpResponse:
    """The change was made."""
    if as_page:
        messages.success(request, sentence)
        return redirect(room)
    return render_panel(request, room, grant, name, toast=("success", sentence))


def answer_refused(
    request: HttpRequest,
    room: Room,
    grant: Grant,
    name: str,
    refusal: RoomsError | None,
    *,
    as_page: bool,
    changes: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Nothing was changed. The panel shows the truth as it is now, and what was typed where a form is in `changes`."""
    room.refresh_from_db()
    status = 409 if isinstance(refusal, _CONFLICTS) else 422
    if as_page:
        if refusal is not None:
            messages.error(request, str(refusal.sentence))
        return render_room(request, room, grant, status=status, changes=changes)
    toast = ("error", str(refusal.sentence)) if refusal is not None else None
    return render_panel(request, room, grant, name, status=status, changes=changes, toast=toast)


def plain_panel(name: str) -> Callable[..., HttpResponse]:
    """The GET view of a panel that takes no parameters."""

    @require_safe
    @room_view(PANELS[name].permission)
    def panel(request: ConsoleRequest, room: Room, grant: Grant) -> HttpResponse:
        return render_panel(request, room, grant, name)

    return panel


def _newest_commands(room: Room) -> Any:
    return OutboxCommand.objects.filter(room=room).order_by("-pk").defer("payload")


def _newest_of(room: Room, supersedes: str) -> OutboxCommand | None:
    """The newest command with this key, if it is among the room's recent ones; older ones are settled anyway."""
    recent = _newest_commands(room)[:100]
    return next((command for command in recent if command.supersedes == supersedes), None)
