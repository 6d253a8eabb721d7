"""The page of one room: what is shown and offered to whom, and what each change and each refusal answers."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from rooms.actors import Actor
from rooms.models import Message, Notice, OutboxCommand, Room, User
from rooms.services.lifecycle import pause_room
from rooms.services.notices import set_notice
from tests.factories import make_client, make_membership, make_message, make_room, make_user, make_viewer

ClientOf = Callable[[str], Client]
pytestmark = pytest.mark.django_db

STEPS = {"start", "pause", "resume", "end"}


def page(client: Client, room: Room) -> str:
    response = client.get(f"/rooms/{room.pk}/")
    assert response.status_code == 200
    return response.content.decode()


def offered(html: str) -> set[str]:
    return set(re.findall(r'id="room-step-(\w+)"', html))


@pytest.mark.parametrize(
    ("status", "steps"),
    [
        ("to_be_started", {"start"}),
        ("on_live", {"pause", "end"}),
        ("paused", {"resume", "end"}),
        ("ended", set()),
        ("played_back", set()),
    ],
)
def test_only_what_may_come_next_is_offered(operator: User, status: str, steps: set[str]) -> None:
    html = page(make_client(operator), make_room(status=status))
    assert offered(html) == steps
    assert ("room-publish-replay" in html) == (status == "ended")


@pytest.mark.parametrize(
    ("role", "present", "absent"),
    [
        ("operator", {"controls", "feed", "members", "notice-form", "speak", "commands"}, set()),
        ("moderator", {"feed", "members", "speak", "commands"}, {"controls", "notice-form"}),
        ("analyst", {"feed", "members"}, {"controls", "notice-form", "speak", "commands"}),
        ("finance", {"history"}, {"controls", "notice-form", "speak", "commands", "feed", "members"}),
    ],
)
def test_what_a_role_may_not_do_is_not_offered(
    client_of: ClientOf, role: str, present: set[str], absent: set[str]
) -> None:
    room = make_room(status="on_live")
    make_message(room, "only for readers")
    html = page(client_of(role), room)
    assert all(f'id="room-{name}"' in html for name in present)
    assert not any(f'id="room-{name}"' in html for name in absent)
    assert ("only for readers" in html) == ("feed" in present)
    assert (f"feed:{room.pk}" in html) == ("feed" in present)


def test_an_anchor_runs_the_own_room_and_knows_of_no_other(anchor: User, other_anchor: User) -> None:
    own, other = make_room(anchor=anchor, status="on_live"), make_room(anchor=other_anchor)
    client = make_client(anchor)
    assert offered(page(client, own)) == {"pause", "end"}
    assert client.get(f"/rooms/{other.pk}/").status_code == 404
    assert client.post(f"/rooms/{other.pk}/steps/start/").status_code == 404


CHANGES = [
    ("steps/start/", {}),
    ("notice/set/", {"notification": "x"}),
    ("mute-all/", {"is_muted": "on"}),
    ("replay/", {"replay_url": "https://v.example.com/1"}),
]


@pytest.mark.parametrize(("address", "data"), CHANGES)
@pytest.mark.parametrize("role", ["moderator", "analyst", "finance", "nobody", "anonymous"])
def test_changes_are_refused_by_the_server_too(
    client_of: ClientOf, role: str, address: str, data: dict[str, str]
) -> None:
    room = make_room()
    expected = {"nobody": 404, "anonymous": 302}.get(role, 403)
    for base in (f"/rooms/{room.pk}/", f"/rooms/{room.pk}/panels/"):
        assert client_of(role).post(base + address, data).status_code == expected
    assert Room.objects.get(pk=room.pk).version == room.version


@pytest.mark.parametrize(("address", "data"), [*CHANGES, ("speak/", {"text": "x"})])
def test_changes_are_posts(operator: User, address: str, data: dict[str, str]) -> None:
    assert make_client(operator).get(f"/rooms/{make_room().pk}/{address}", data).status_code == 405


def test_a_change_needs_the_csrf_token(operator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    assert client.post(f"/rooms/{make_room().pk}/panels/steps/start/").status_code == 403


def test_a_step_answers_with_the_panel_or_a_redirect(operator: User) -> None:
    room, client = make_room(), make_client(operator)
    response = client.post(f"/rooms/{room.pk}/panels/steps/start/")
    assert offered(response.content.decode()) == {"pause", "end"}
    assert b"<html" not in response.content
    assert '"success"' in response.headers["HX-Trigger"]
    response = client.post(f"/rooms/{room.pk}/steps/pause/")
    assert response.headers["Location"] == f"/rooms/{room.pk}/"
    room.refresh_from_db()
    assert room.status == "paused"


@pytest.mark.parametrize("base", ["", "panels/"])
def test_a_wrong_step_is_refused_with_a_sentence_and_the_truth(operator: User, base: str) -> None:
    room = make_room(status="paused")
    response = make_client(operator).post(f"/rooms/{room.pk}/{base}steps/pause/")
    assert response.status_code == 409
    assert offered(response.content.decode()) == {"resume", "end"}
    said = response.headers.get("HX-Trigger", "") + response.content.decode()
    assert "it cannot become" in said


def test_ending_asks_first(operator: User) -> None:
    room, client = make_room(status="on_live"), make_client(operator)
    assert 'data-confirm="' in page(client, room)
    assert b"End this room?" in client.post(f"/rooms/{room.pk}/steps/end/").content
    assert Room.objects.get(pk=room.pk).status == "on_live"
    client.post(f"/rooms/{room.pk}/steps/end/", {"confirmed": "1"})
    assert Room.objects.get(pk=room.pk).status == "ended"


def test_an_unknown_step_is_not_found(operator: User) -> None:
    assert make_client(operator).post(f"/rooms/{make_room().pk}/steps/explode/").status_code == 404


def test_a_replay_needs_a_good_address_and_keeps_what_was_typed(operator: User) -> None:
    room, client = make_room(status="ended"), make_client(operator)
    response = client.post(f"/rooms/{room.pk}/panels/replay/", {"replay_url": "http://plain.example.com"})
    assert response.status_code == 422
    assert 'value="http://plain.example.com"' in response.content.decode()
    client.post(f"/rooms/{room.pk}/panels/replay/", {"replay_url": "https://v.example.com/1"})
    assert Room.objects.get(pk=room.pk).status == "played_back"


def notice_data(html: str, **changes: str) -> dict[str, str]:
    """The editor's hidden fields as the page gave them, and what is typed."""
    hidden = re.findall(r'name="(version|notice_id)" value="(\d+)"', html)
    return {**dict(hidden), "introduction": "", "notification": "", **changes}


def test_a_notice_is_set(operator: User) -> None:
    room, client = make_room(), make_client(operator)
    data = notice_data(page(client, room), notification="First line\r\nsecond", introduction="About")
    assert client.post(f"/rooms/{room.pk}/panels/notice/set/", data).status_code == 200
    room.refresh_from_db()
    assert (room.notification, room.introduction) == ("First line\nsecond", "About")
    assert "First line\nsecond" in page(client, room)


@pytest.mark.parametrize("base", ["", "panels/"])
def test_the_loser_of_two_writers_keeps_the_text_and_sees_the_others(operator: User, lead: User, base: str) -> None:
    room, client = make_room(), make_client(operator)
    data = notice_data(page(client, room), notification="my words")
    set_notice(Room.objects.get(pk=room.pk), actor=Actor.of_user(lead), notification="their words")
    response = client.post(f"/rooms/{room.pk}/{base}notice/set/", data)
    html = response.content.decode()
    assert response.status_code == 409
    assert "my words</textarea>" in html
    assert "their words" in html
    assert Room.objects.get(pk=room.pk).notification == "their words"
    again = client.post(f"/rooms/{room.pk}/panels/notice/set/", notice_data(html, notification="my words"))
    assert again.status_code == 200
    assert Room.objects.get(pk=room.pk).notification == "my words"


def test_another_change_of_the_room_is_no_conflict_for_the_notice(operator: User, lead: User) -> None:
    room, client = make_room(status="on_live"), make_client(operator)
    data = notice_data(page(client, room), notification="still mine")
    pause_room(room, actor=Actor.of_user(lead))
    assert client.post(f"/rooms/{room.pk}/panels/notice/set/", data).status_code == 200


def test_a_notice_that_names_no_version_overwrites_nothing(operator: User, lead: User) -> None:
    room = make_room()
    set_notice(room, actor=Actor.of_user(lead), notification="theirs")
    response = make_client(operator).post(f"/rooms/{room.pk}/panels/notice/set/", {"notification": "mine"})
    assert response.status_code == 409


@pytest.mark.parametrize(
    ("text", "reason"), [("<b>bold</b>", "HTML tags"), ("好" * 101, "303 bytes"), ('{"text": 1}', "must be a string")]
)
def test_a_refused_notice_keeps_the_text(operator: User, text: str, reason: str) -> None:
    room, client = make_room(), make_client(operator)
    response = client.post(f"/rooms/{room.pk}/panels/notice/set/", notice_data(page(client, room), notification=text))
    html = response.content.decode()
    assert response.status_code == 422
    assert reason in html
    assert "<b>bold" not in html
    assert not Notice.objects.exists()


def test_the_preview_shows_the_json_form_as_clients_do(operator: User) -> None:
    room = make_room()
    response = make_client(operator).post(
        f"/rooms/{room.pk}/panels/notice/preview/",
        {"notification": '{"text": "Sale & more", "images": ["https://img.example.com/1.png"]}'},
    )
    html = response.content.decode()
    assert "Sale &amp; more" in html
    assert 'src="https://img.example.com/1.png"' in html
    assert Room.objects.get(pk=room.pk).version == room.version


def test_mute_all_says_its_true_state_and_that_it_is_on_its_way(operator: User) -> None:
    room, client = make_room(status="on_live"), make_client(operator)
    html = client.post(f"/rooms/{room.pk}/panels/mute-all/", {"is_muted": "on"}).content.decode()
    assert 'aria-checked="true"' in html
    assert "command-pending" in html
    OutboxCommand.objects.update(state="applied")
    html = client.get(f"/rooms/{room.pk}/panels/controls/").content.decode()
    assert 'aria-checked="true"' in html
    assert "command-" not in html
    html = client.post(f"/rooms/{room.pk}/panels/mute-all/", {}).content.decode()
    assert 'aria-checked="false"' in html


def test_an_operator_speaks(operator: User) -> None:
    room, client = make_room(status="on_live"), make_client(operator)
    response = client.post(f"/rooms/{room.pk}/panels/speak/", {"text": "Hello all", "style": "highlight"})
    assert response.status_code == 200
    assert "Hello all" not in response.content.decode()
    assert OutboxCommand.objects.get(call="send_group_msg").payload["priority"] == "High"


@pytest.mark.parametrize(
    ("status", "data", "code", "reason"),
    [
        ("ended", {"text": "too <late>", "style": "plain"}, 409, "has ended"),
        ("on_live", {"text": "好" * 700, "style": "plain"}, 422, "2100 bytes"),
        ("on_live", {"text": "shout", "style": "loud"}, 422, "Choose plain"),
        ("on_live", {"text": "  ", "style": "plain"}, 422, "Write a message first"),
    ],
)
@pytest.mark.parametrize("base", ["", "panels/"])
def test_a_refused_message_keeps_the_text(
    operator: User, base: str, status: str, data: dict[str, str], code: int, reason: str
) -> None:
    room = make_room(status=status)
    response = make_client(operator).post(f"/rooms/{room.pk}/{base}speak/", data)
    html = response.content.decode()
    assert response.status_code == code
    assert reason in html
    assert data["text"].replace("<late>", "&lt;late&gt;").strip() in html
    assert not OutboxCommand.objects.exists()


def test_user_text_stays_text(operator: User) -> None:
    room = make_room(title="<i>t</i>", status="on_live", notification="<u>n</u>", introduction="<s>i</s>")
    hostile = '<script>alert("x")</script>'
    make_message(room, hostile, account="<b>acc")
    make_membership(room, make_viewer("<em>viewer", nick="<q>nick"))
    elements = [{"kind": "file", "name": hostile}, {"kind": "other", "type": hostile}]
    make_message(room, "", kind="media", elements=elements)
    html = page(make_client(operator), room)
    for raw in ("<i>t", "<u>n", "<s>i", "<script>alert", "<b>acc", "<em>viewer", "<q>nick"):
        assert raw not in html


def test_the_feed_shows_every_kind(operator: User) -> None:
    room = make_room(status="on_live")
    for kind in Message.Kind.values:
        make_message(room, "words", kind=kind)
    odd: list[Any] = [{"kind": "image"}, {"kind": "sound", "seconds": 3}, {"kind": "video"}, {"kind": "location"}, 7]
    make_message(room, "", kind="media", elements=odd)
    html = page(make_client(operator), room)
    assert html.count('class="feed-row"') == len(Message.Kind.values) + 1
    assert "Picture" in html
    assert "Voice, 3 s" in html


def test_older_messages_come_once_each_and_in_order(operator: User) -> None:
    room, client = make_room(), make_client(operator)
    make_message(make_room(), "elsewhere")
    for seq in range(1, 236):
        make_message(room, seq=seq)
    seen, html = [], page(client, room)
    while True:
        seen += [int(seq) for seq in re.findall(r'id="message-(\d+)"', html)]
        older = re.search(r'hx-get="([^"]*feed/older/\?before=[^"]*)"', html)
        if older is None:
            break
        html = client.get(older.group(1)).content.decode()
    assert seen == list(range(235, 0, -1))


def test_members_are_the_present_and_can_be_searched(operator: User) -> None:
    room, client = make_room(), make_client(operator)
    make_membership(room, make_viewer("alice"))
    make_membership(room, make_viewer("bob"))
    make_membership(room, make_viewer("gone"), is_present=False)
    html = client.get(f"/rooms/{room.pk}/panels/members/").content.decode()
    assert "alice" in html
    assert "gone" not in html
    html = client.get(f"/rooms/{room.pk}/panels/members/", {"members": "LIC"}).content.decode()
    assert "alice" in html
    assert "bob" not in html
    assert "<html" in client.get(f"/rooms/{room.pk}/members/", {"members": "bob"}).content.decode()
    assert "alice" in client.get(f"/rooms/{room.pk}/panels/members/", {"members": "\x00"}).content.decode()


def failed_command(room: Room) -> OutboxCommand:
    make_client(make_user("operator")).post(f"/rooms/{room.pk}/panels/speak/", {"text": "x", "style": "plain"})
    OutboxCommand.objects.update(state="failed", error_code=10010, error_text="No such <group>.")
    return OutboxCommand.objects.get()


def test_a_failed_command_says_why_and_can_be_retried_once(operator: User, moderator: User) -> None:
    room, client = make_room(status="on_live"), make_client(operator)
    command = failed_command(room)
    html = page(client, room)
    assert "No such &lt;group&gt;." in html
    assert f'id="command-{command.pk}-retry"' in html
    assert f'id="command-{command.pk}-retry"' not in page(make_client(moderator), room)
    url = f"/rooms/{room.pk}/panels/commands/{command.pk}/retry/"
    assert make_client(moderator).post(url).status_code == 403
    assert client.post(url).status_code == 200
    refused = client.post(url)
    assert refused.status_code == 409
    assert "Only a failed command" in refused.headers["HX-Trigger"]


def test_a_command_of_another_room_is_not_found(operator: User) -> None:
    command = failed_command(make_room(status="on_live"))
    url = f"/rooms/{make_room().pk}/panels/commands/{command.pk}/retry/"
    assert make_client(operator).post(url).status_code == 404


def test_the_history_tells_who_did_what(operator: User) -> None:
    room, client = make_room(), make_client(operator)
    client.post(f"/rooms/{room.pk}/panels/steps/start/")
    client.post(f"/rooms/{room.pk}/panels/steps/pause/")
    html = client.get(f"/rooms/{room.pk}/panels/history/").content.decode()
    assert html.index("Paused") < html.index("Went live")
    assert operator.display_name in html


@pytest.mark.parametrize("name", ["facts", "controls", "feed", "members", "notice", "commands", "history"])
def test_a_panel_is_the_part_of_the_page_it_replaces(operator: User, name: str) -> None:
    room, client = make_room(status="on_live"), make_client(operator)
    panel = client.get(f"/rooms/{room.pk}/panels/{name}/").content.decode()
    assert "<html" not in panel
    assert f'id="room-{name}"' in panel.split(">")[0]
    assert f'id="room-{name}"' in page(client, room)


def test_a_busy_room_costs_as_many_queries_as_a_quiet_one(
    operator: User, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    room, client = make_room(status="on_live"), make_client(operator)
    for _ in range(30):
        make_message(room)
        make_membership(room)
        client.post(f"/rooms/{room.pk}/panels/speak/", {"text": "x", "style": "plain"})
    with django_assert_max_num_queries(14):
        page(client, room)
