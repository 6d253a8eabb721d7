"""A business app runs a room from creation to replay, by the API alone."""

from typing import Any

import pytest
from django.test import Client

from rooms.models import AuditEntry, Message, OutboxCommand, Room, User
from tests import factories

pytestmark = pytest.mark.django_db


def post(client: Client, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    return client.post(f"/api/v1{path}", body or {}, content_type="application/json", headers=headers)


def test_an_app_runs_a_room_from_creation_to_replay(api: Client, anchor: User) -> None:
    created = post(
        api,
        "/rooms/",
        {
            "title": "Tea tasting",
            "anchor": anchor.account,
            "group_id": "tea_1",
            "introduction": "Three teas.",
            "scheduled_at": "2026-11-27T19:00:00Z",
        },
    )
    assert created.status_code == 201, created.content
    room = created.json()
    assert created["Location"] == f"http://testserver/api/v1/rooms/{room['id']}/"
    assert created["ETag"] == '"1"'
    assert (room["status"], room["next_statuses"]) == ("to_be_started", ["on_live"])
    assert room["anchor"] == {"account": anchor.account, "name": anchor.display_name}
    assert room["scheduled_at"] == "2026-11-27T19:00:00Z"
    path = f"/rooms/{room['id']}"

    for step, status in [("start", "on_live"), ("pause", "paused"), ("resume", "on_live")]:
        answer = post(api, f"{path}/{step}/")
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        assert api.get(f"/api/v1{path}/").json() == answer.json()

    form = '{"text":"Samples","images":["https://cdn.example.com/a.jpg"]}'
    notice = post(api, f"{path}/notice/", {"notification": form}).json()["notice"]
    assert notice == {
        "introduction": "Three teas.",
        "notification": form,
        "text": "Samples",
        "images": ["https://cdn.example.com/a.jpg"],
    }
    assert post(api, f"{path}/mute-all/", {"is_mute_all": True}).json()["is_mute_all"] is True
    assert post(api, f"{path}/mute-all/", {"is_mute_all": False}).json()["is_mute_all"] is False

    sent = post(api, f"{path}/messages/", {"text": "Five minutes!", "style": "highlight"})
    assert (sent.status_code, sent.json()["state"], sent.json()["call"]) == (202, "pending", "send_group_msg")
    assert api.get(sent["Location"]).json() == sent.json()

    assert post(api, f"{path}/end/").json()["next_statuses"] == ["played_back"]
    replayed = post(api, f"{path}/replay/", {"replay_url": "https://vod.example.com/1.m3u8"}).json()
    assert (replayed["status"], replayed["replay_url"]) == ("played_back", "https://vod.example.com/1.m3u8")

    actors = set(AuditEntry.objects.values_list("actor_kind", flat=True))
    assert actors == {"app"}
    calls = [command["call"] for command in api.get(f"/api/v1{path}/commands/").json()["results"]]
    assert calls[-3:] == ["modify_group_attr", "create_group", "account_import"]


def test_every_address_works_without_its_last_slash(api: Client) -> None:
    room = factories.make_room()
    assert post(api, f"/rooms/{room.pk}/start").json()["status"] == "on_live"
    assert api.get(f"/api/v1/rooms/{room.pk}").json()["status"] == "on_live"
    assert api.get("/api/v1/rooms").status_code == 200


def test_a_room_is_edited_at_the_version_that_was_read(api: Client) -> None:
    room = factories.make_room(title="Before")
    url = f"/api/v1/rooms/{room.pk}/"
    tag = api.get(url)["ETag"]

    def patch(body: dict[str, Any], tag: str) -> Any:
        return api.patch(url, body, content_type="application/json", headers={"If-Match": tag})

    assert patch({"title": "After"}, tag).json()["title"] == "After"
    late = patch({"title": "Too late"}, tag)
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    assert patch({"title": "Odd"}, 'W/"7"').status_code == 412
    assert patch({"scheduled_at": None, "cover_url": "https://cdn.example.com/c.jpg"}, "*").status_code == 200
    room.refresh_from_db()
    assert (room.title, room.version) == ("After", 3)

    stale = post(api, f"/rooms/{room.pk}/notice/", {"notification": "New"}, **{"If-Match": tag})
    assert stale.status_code == 412
    assert Room.objects.get().notification == ""


def test_rooms_are_filtered_searched_and_sorted(api: Client, anchor: User) -> None:
    tea = factories.make_room(title="Green Tea", status="on_live", online_count=5, anchor=anchor)
    rock = factories.make_room(title="Rock", status="paused", online_count=9)
    old = factories.make_room(title="Old tea", status="ended", online_count=0)

    def ids(query: str) -> list[int]:
        return [room["id"] for room in api.get(f"/api/v1/rooms/?{query}").json()["results"]]

    assert ids("") == [old.pk, rock.pk, tea.pk]
    assert ids("ordering=oldest") == [tea.pk, rock.pk, old.pk]
    assert ids("ordering=online") == [rock.pk, tea.pk, old.pk]
    assert ids("ordering=title") == [tea.pk, old.pk, rock.pk]
    assert ids("status=on_live&status=paused") == [rock.pk, tea.pk]
    assert ids(f"anchor={anchor.account}") == [tea.pk]
    assert ids("search=TEA") == [old.pk, tea.pk]
    assert ids("search=TEA&status=ended") == [old.pk]
    assert ids("anchor=&search=") == [old.pk, rock.pk, tea.pk]


def test_messages_are_filtered_by_kind_account_and_time(api: Client) -> None:
    room = factories.make_room(status="on_live")
    factories.make_message(factories.make_room(), "elsewhere")
    factories.make_message(room, "early", seq=1, sent_at="2026-11-20T10:00:00Z", account="mei")
    factories.make_message(room, "gift", seq=2, sent_at="2026-11-20T11:00:00Z", kind=Message.Kind.GIFT)
    factories.make_message(room, "late", seq=3, sent_at="2026-11-20T12:00:00Z")

    def texts(query: str) -> list[str]:
        answer = api.get(f"/api/v1/rooms/{room.pk}/messages/?{query}")
        return [message["text"] for message in answer.json()["results"]]

    assert texts("") == ["late", "gift", "early"]
    assert texts("kind=gift&kind=like") == ["gift"]
    assert texts("account=mei") == ["early"]
    assert texts("since=2026-11-20T11:00:00Z") == ["late", "gift"]
    assert texts("until=2026-11-20T11:00:00Z") == ["early"]
    assert texts("since=2026-11-20T19:00:00%2B08:00&until=2026-11-20T12:00:00Z") == ["gift"]


def test_members_who_are_present_come_first(api: Client) -> None:
    room = factories.make_room()
    gone = factories.make_membership(room, is_present=False, joined_at="2026-11-20T12:00:00Z")
    first = factories.make_membership(room, joined_at="2026-11-20T10:00:00Z")
    second = factories.make_membership(room, joined_at="2026-11-20T11:00:00Z")

    def accounts(query: str) -> list[str]:
        answer = api.get(f"/api/v1/rooms/{room.pk}/members/?{query}")
        return [member["account"] for member in answer.json()["results"]]

    names = [membership.viewer.account for membership in (second, first, gone)]
    assert accounts("") == names
    assert accounts("is_present=true") == names[:2]
    assert accounts("is_present=false") == names[2:]


def test_a_failed_command_is_retried_once(api: Client) -> None:
    room = factories.make_room()
    post(api, f"/rooms/{room.pk}/start/")
    command = OutboxCommand.objects.filter(room=room).latest("pk")
    OutboxCommand.objects.filter(pk=command.pk).update(state="failed", error_code=10002, error_text="system error")
    url = f"/api/v1/rooms/{room.pk}/commands/"
    failed = api.get(f"{url}?state=failed").json()["results"]
    assert [(row["id"], row["error_code"]) for row in failed] == [(command.pk, 10002)]

    retried = api.post(f"{url}{command.pk}/retry/")
    assert (retried.status_code, retried.json()["state"]) == (202, "pending")
    again = api.post(f"{url}{command.pk}/retry/")
    assert (again.status_code, again.json()["code"]) == (409, "not_retryable")
    other = factories.make_room()
    assert api.post(f"/api/v1/rooms/{other.pk}/commands/{command.pk}/retry/").status_code == 404
