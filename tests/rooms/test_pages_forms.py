"""Creating and editing rooms, and what Django's admin may do."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from rooms.actors import Actor
from rooms.models import ApiKey, AuditEntry, BusinessApp, OutboxCommand, Room, User
from rooms.services.lifecycle import edit_room
from tests.factories import make_client, make_room

pytestmark = pytest.mark.django_db


def test_a_room_is_created_with_its_group(operator: User, anchor: User) -> None:
    data = {
        "title": "  Late   night ",
        "anchor": anchor.pk,
        "scheduled_at": "2026-12-01T20:15",
        "notification": "Be kind",
        "introduction": "",
        "cover_url": "",
        "group_id": "",
    }
    response = make_client(operator).post("/rooms/new/", data)
    room = Room.objects.get()
    assert response.headers["Location"] == f"/rooms/{room.pk}/"
    assert (room.title, room.anchor, room.notification) == ("Late night", anchor, "Be kind")
    assert room.scheduled_at is not None
    assert room.scheduled_at.isoformat() == "2026-12-01T20:15:00+00:00"
    assert OutboxCommand.objects.filter(call="create_group").count() == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"title": ""}, "required"),
        ({"cover_url": "http://img.example.com/a.png"}, "https://"),
        ({"group_id": "@TGS#1"}, "printable ASCII"),
        ({"group_id": "taken"}, "Another room has this group id"),
        ({"notification": "<p>hi</p>"}, "HTML tags"),
        ({"anchor": "0"}, "valid choice"),
        ({"scheduled_at": "tomorrow"}, "valid date"),
    ],
)
def test_a_refused_room_keeps_what_was_typed(
    operator: User, anchor: User, changes: dict[str, Any], reason: str
) -> None:
    make_room(group_id="taken")
    data = {"title": "Keep me", "anchor": anchor.pk, "introduction": "and me", **changes}
    response = make_client(operator).post("/rooms/new/", data)
    html = response.content.decode()
    assert response.status_code == 422
    assert reason in html
    assert "and me</textarea>" in html
    assert Room.objects.count() == 1


def test_only_people_with_a_chat_account_are_offered_as_anchors(operator: User, anchor: User) -> None:
    html = make_client(operator).get("/rooms/new/").content.decode()
    assert set(re.findall(r'<option value="(\d+)"', html)) == {str(anchor.pk)}


def test_who_may_create_and_edit(operator: User, anchor: User, moderator: User) -> None:
    room = make_room(anchor=anchor)
    assert make_client(moderator).get("/rooms/new/").status_code == 403
    assert make_client(anchor).get("/rooms/new/").status_code == 403
    assert make_client(moderator).get(f"/rooms/{room.pk}/edit/").status_code == 403
    assert make_client(anchor).get(f"/rooms/{room.pk}/edit/").status_code == 200


def test_an_edit_is_saved(operator: User) -> None:
    room, client = make_room(), make_client(operator)
    data = {"title": "Better", "cover_url": "", "scheduled_at": "", "version": room.version}
    assert client.post(f"/rooms/{room.pk}/edit/", data).status_code == 302
    assert Room.objects.get(pk=room.pk).title == "Better"


def test_the_second_editor_keeps_what_was_typed_and_sees_the_others(operator: User, lead: User) -> None:
    room, client = make_room(title="Old"), make_client(operator)
    data = {"title": "Mine", "cover_url": "", "scheduled_at": "", "version": room.version}
    edit_room(Room.objects.get(pk=room.pk), actor=Actor.of_user(lead), title="Theirs")
    response = client.post(f"/rooms/{room.pk}/edit/", data)
    html = response.content.decode()
    assert response.status_code == 409
    assert 'value="Mine"' in html
    assert "Theirs" in html
    version = re.search(r'name="version" value="(\d+)"', html)
    assert version is not None
    assert client.post(f"/rooms/{room.pk}/edit/", data | {"version": version.group(1)}).status_code == 302
    assert Room.objects.get(pk=room.pk).title == "Mine"


def test_an_edit_that_names_no_version_overwrites_nothing(operator: User) -> None:
    room = make_room(title="Old")
    response = make_client(operator).post(f"/rooms/{room.pk}/edit/", {"title": "New"})
    assert response.status_code == 409


def test_admin_actions_call_the_services(superuser: User) -> None:
    ready, over = make_room(), make_room(status="ended")
    client = make_client(superuser)
    data = {"action": "start_rooms", "_selected_action": [ready.pk, over.pk]}
    html = client.post("/admin/rooms/room/", data, follow=True).content.decode()
    assert "it cannot become" in html
    assert Room.objects.get(pk=ready.pk).status == "on_live"
    assert AuditEntry.objects.get().actor_user == superuser
    assert OutboxCommand.objects.exists()


def test_admin_cannot_bypass_the_services(superuser: User) -> None:
    room, client = make_room(), make_client(superuser)
    url = f"/admin/rooms/room/{room.pk}/change/"
    html = client.get(url).content.decode()
    assert set(re.findall(r'<(?:input|select|textarea)[^>]* name="((?!_|csrf)[^"]+)"', html)) == {
        "title", "cover_url", "scheduled_at_0", "scheduled_at_1",
    }  # fmt: skip
    data = {"title": "By admin", "cover_url": "", "status": "ended", "notification": "x", "is_mute_all": "on"}
    client.post(url, data)
    room.refresh_from_db()
    assert (room.title, room.status, room.notification, room.is_mute_all) == ("By admin", "to_be_started", "", False)
    assert AuditEntry.objects.get().verb == "rooms.room.edited"
    assert client.get("/admin/rooms/room/add/").status_code == 403
    assert client.get(f"/admin/rooms/room/{room.pk}/delete/").status_code == 403


def test_who_keeps_accounts_makes_no_superusers_and_changes_none(operator: User, superuser: User) -> None:
    operator.is_staff = True
    operator.save(update_fields=["is_staff"])
    operator.user_permissions.set(Permission.objects.filter(content_type__app_label="rooms", codename__endswith="user"))
    client = make_client(operator)
    data = {
        "username": "climber",
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
        "user_permissions": [str(Permission.objects.values_list("pk", flat=True)[0])],
        "date_joined_0": "2026-11-20",
        "date_joined_1": "10:00:00",
    }
    climber = User.objects.create_user("climber")

    assert client.post(f"/admin/rooms/user/{climber.pk}/change/", data).status_code == 302
    assert client.post(f"/admin/rooms/user/{superuser.pk}/change/", data).status_code == 403
    assert client.post(f"/admin/rooms/user/{superuser.pk}/password/", {}).status_code == 403

    climber.refresh_from_db()
    assert (climber.is_staff, climber.is_superuser, climber.user_permissions.count()) == (True, False, 0)


@pytest.mark.parametrize("model", ["auditentry", "outboxcommand", "webhookdelivery", "notice", "viewer"])
def test_admin_only_looks_at_records(superuser: User, operator: User, anchor: User, model: str) -> None:
    client = make_client(superuser)
    make_client(operator).post("/rooms/new/", {"title": "A", "anchor": anchor.pk, "notification": "n"})
    assert client.get(f"/admin/rooms/{model}/").status_code == 200
    assert client.get(f"/admin/rooms/{model}/add/").status_code == 403


def test_a_new_key_is_shown_once(superuser: User) -> None:
    client, app = make_client(superuser), BusinessApp.objects.create(name="Shop")
    data = {"name": "first", "app": app.pk, "scopes": '["rooms:read"]'}
    html = client.post("/admin/rooms/apikey/add/", data, follow=True).content.decode()
    key = ApiKey.objects.get()
    (text,) = re.findall(rf"is: ({key.prefix}\.\w+)", html)
    assert ApiKey.objects.get_from_key(text) == key
    for url in ("/admin/rooms/apikey/", f"/admin/rooms/apikey/{key.pk}/change/"):
        assert text not in client.get(url).content.decode()
