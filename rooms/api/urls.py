"""Every address works with and without its last slash, so that no POST is lost to a redirect."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponseBase
from django.urls import URLPattern, path, re_path

from rooms.api.control import Control
from rooms.api.docs import Docs, Schema, UnknownAddress
from rooms.api.messages import Messages
from rooms.api.outbox import Commands
from rooms.api.rooms import Rooms
from rooms.api.viewers import Members


def _both(route: str, view: Callable[..., HttpResponseBase], name: str) -> list[URLPattern]:
    """With the slash last, so that `reverse` gives that one."""
    return [path(route, view), path(f"{route}/", view, name=name)]


def _control(action: str) -> Any:
    return Control.as_view({"post": action})


urlpatterns = [
    *_both("schema", Schema.as_view(), "api_schema"),
    *_both("docs", Docs.as_view(), "api_docs"),
    *_both("rooms", Rooms.as_view({"get": "list", "post": "create"}), "api_rooms"),
    *_both("rooms/<int:room_id>", Rooms.as_view({"get": "retrieve", "patch": "partial_update"}), "api_room"),
    *_both("rooms/<int:room_id>/start", _control("start"), "api_start"),
    *_both("rooms/<int:room_id>/pause", _control("pause"), "api_pause"),
    *_both("rooms/<int:room_id>/resume", _control("resume"), "api_resume"),
    *_both("rooms/<int:room_id>/end", _control("end"), "api_end"),
    *_both("rooms/<int:room_id>/replay", _control("replay"), "api_replay"),
    *_both("rooms/<int:room_id>/notice", _control("notice"), "api_notice"),
    *_both("rooms/<int:room_id>/mute-all", _control("mute_all"), "api_mute_all"),
    *_both("rooms/<int:room_id>/messages", Messages.as_view({"get": "list", "post": "create"}), "api_messages"),
    *_both("rooms/<int:room_id>/members", Members.as_view({"get": "list"}), "api_members"),
    *_both("rooms/<int:room_id>/commands", Commands.as_view({"get": "list"}), "api_commands"),
    *_both("rooms/<int:room_id>/commands/<int:command_id>", Commands.as_view({"get": "retrieve"}), "api_command"),
    *_both("rooms/<int:room_id>/commands/<int:command_id>/retry", Commands.as_view({"post": "retry"}), "api_retry"),
    re_path(r"", UnknownAddress.as_view(), name="api_unknown"),
]
