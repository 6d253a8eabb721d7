"""Pages have plain addresses; `panels/` addresses answer with one panel of a page, for htmx."""

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path

from rooms.views import control, lifecycle, messages, notices, outbox, rooms, viewers, wall, webhooks
from rooms.views.panels import plain_panel

_ROOM = "rooms/<int:room_id>/"
_PANEL = "rooms/<int:room_id>/panels/"


def _change(address: str, view: Callable[..., HttpResponse], name: str) -> list[URLPattern]:
    """A change's two addresses: `name` for plain forms, `name_panel` for htmx."""
    return [
        path(_ROOM + address, view, {"as_page": True}, name=name),
        path(_PANEL + address, view, name=f"{name}_panel"),
    ]


urlpatterns = [
    path("webhooks/chat/", webhooks.chat_webhook, name="chat_webhook"),
    path("", wall.wall, name="wall"),
    path("rooms/panels/wall/", wall.wall_panel, name="wall_panel"),
    path("rooms/panels/wall/more/", wall.wall_more, name="wall_more"),
    path("rooms/new/", rooms.room_new, name="room_new"),
    path(_ROOM, rooms.room, name="room"),
    path(_ROOM + "edit/", rooms.room_edit, name="room_edit"),
    path(_ROOM + "messages/", messages.message_archive, name="message_archive"),
    path(_ROOM + "members/", viewers.room_members, name="room_members"),
    path(_PANEL + "facts/", plain_panel("facts"), name="facts_panel"),
    path(_PANEL + "controls/", plain_panel("controls"), name="controls_panel"),
    path(_PANEL + "feed/", plain_panel("feed"), name="feed_panel"),
    path(_PANEL + "feed/older/", messages.older_messages, name="older_messages"),
    path(_PANEL + "members/", viewers.members_panel, name="members_panel"),
    path(_PANEL + "notice/", plain_panel("notice"), name="notice_panel"),
    path(_PANEL + "notice/preview/", notices.notice_preview_panel, name="notice_preview_panel"),
    path(_PANEL + "commands/", plain_panel("commands"), name="commands_panel"),
    path(_PANEL + "history/", plain_panel("history"), name="history_panel"),
    *_change("notice/set/", notices.room_notice, "room_notice"),
    *_change("mute-all/", control.room_mute_all, "room_mute_all"),
    *_change("speak/", control.room_speak, "room_speak"),
    *_change("replay/", lifecycle.room_replay, "room_replay"),
    *_change("steps/<slug:step>/", lifecycle.room_step, "room_step"),
    *_change("commands/<int:command_id>/retry/", outbox.command_retry, "command_retry"),
]
