"""Rows and clients for tests, made in one line each. Rooms are made without telling Chat; use the services for that."""

import itertools
from typing import Any, Final

from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from rooms.access import ROLES
from rooms.chat.elements import text_element
from rooms.models import ApiKey, BusinessApp, Membership, Message, Room, User, Viewer

PASSWORD: Final = "tests-only-password"
_numbers = itertools.count(1)


def make_user(role: str = "", *, username: str = "", **fields: Any) -> User:
    """A user of the role (a name in `rooms.access.ROLES`); without one, somebody who may nothing.

    An anchor has a Chat account of the same name as the user.
    """
    username = username or f"{role.replace(' ', '_') or 'nobody'}{next(_numbers)}"
    if role == "anchor":
        fields.setdefault("account", username)
    user = User.objects.create_user(username, password=PASSWORD, **fields)
    if role:
        assert role in ROLES, f"there is no role {role!r}"
        user.groups.add(Group.objects.get(name=role))
    return user


def make_room(*, anchor: User | None = None, **fields: Any) -> Room:
    """A room whose group exists, without commands or audit; times fit the status."""
    number = next(_numbers)
    status, now = fields.setdefault("status", Room.Status.TO_BE_STARTED), timezone.now()
    if status != Room.Status.TO_BE_STARTED:
        fields.setdefault("started_at", now)
    if status == Room.Status.PAUSED:
        fields.setdefault("paused_at", now)
    if status in (Room.Status.ENDED, Room.Status.PLAYED_BACK):
        fields.setdefault("ended_at", now)
    if status == Room.Status.PLAYED_BACK:
        fields.setdefault("replay_url", "https://replays.example.com/1.m3u8")
        fields.setdefault("replay_published_at", now)
    return Room.objects.create(
        **{
            "title": f"Room {number}",
            "group_id": f"room_{number}",
            "anchor": anchor or make_user("anchor"),
            "has_group": True,
            **fields,
        }
    )


def make_viewer(account: str = "", **fields: Any) -> Viewer:
    return Viewer.objects.create(account=account or f"viewer{next(_numbers)}", **fields)


def make_membership(room: Room, viewer: Viewer | None = None, **fields: Any) -> Membership:
    """Somebody in a room since now."""
    now = timezone.now()
    return Membership.objects.create(
        **{"room": room, "viewer": viewer or make_viewer(), "joined_at": now, "changed_at": now, **fields}
    )


def make_message(room: Room, text: str = "hello", **fields: Any) -> Message:
    """A text message; it has the next number of all messages as its `seq` unless one is given."""
    now = timezone.now()
    return Message.objects.create(
        **{
            "room": room,
            "seq": next(_numbers),
            "account": "viewer",
            "kind": Message.Kind.TEXT,
            "text": text,
            "elements": [text_element(text)],
            "sent_at": now,
            "received_at": now,
            **fields,
        }
    )


def make_key(*scopes: str, app: BusinessApp | None = None) -> str:
    """The text of a new API key with these scopes (all of them when none is named)."""
    app = app or BusinessApp.objects.create(name=f"App {next(_numbers)}")
    _, text = ApiKey.objects.create_key(
        name=f"key {next(_numbers)}", app=app, scopes=list(scopes) or list(ApiKey.Scope.values)
    )
    return str(text)


def make_client(user: User | None = None, *, key: str = "") -> Client:
    """A browser without a session, one signed in as the user, or a business app with its key."""
    client = Client(headers={"Authorization": f"Api-Key {key}"} if key else None)
    if user is not None:
        client.force_login(user)
    return client
