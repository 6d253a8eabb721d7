"""The wall: whose rooms, which, in what order, page by page; and its pulses."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from rooms.models import Room, User
from rooms.paging import ORDERS, PAGE_SIZE
from stats.models import RoomMinute
from tests.factories import make_client, make_room, make_user

ClientOf = Callable[[str], Client]
pytestmark = pytest.mark.django_db


def ids(html: str) -> list[int]:
    return [int(found) for found in re.findall(r'id="room-(\d+)-(?:tile|row)"', html)]


def shown(client: Client, url: str = "/", **query: Any) -> list[int]:
    response = client.get(url, query)
    assert response.status_code == 200
    return ids(response.content.decode())


def test_the_wall_asks_strangers_to_sign_in(client: Client) -> None:
    assert client.get("/").headers["Location"] == "/login/?next=/"


def test_an_anchor_sees_own_rooms_only(anchor: User, other_anchor: User, operator: User) -> None:
    own, other = make_room(anchor=anchor), make_room(anchor=other_anchor)
    assert shown(make_client(anchor)) == [own.pk]
    assert set(shown(make_client(operator))) == {own.pk, other.pk}


def test_the_wall_watches_what_its_reader_may_watch(anchor: User, operator: User) -> None:
    room = make_room(anchor=anchor)
    assert f'data-live-topics="{room.topic}"' in make_client(anchor).get("/").content.decode()
    assert 'data-live-topics="wall"' in make_client(operator).get("/").content.decode()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "on_live"}, {"Jazz night", "Piano hour"}),
        ({"status": ["on_live", "paused"]}, {"Jazz night", "Piano hour", "夜话"}),
        ({"q": "jazz"}, {"Jazz night"}),
        ({"q": "夜"}, {"夜话"}),
        ({"q": "grp-piano"}, {"Piano hour"}),
        ({"q": "mia"}, {"Jazz night", "夜话"}),
        ({"q": "mia jazz"}, {"Jazz night"}),
        ({"anchor": "kenji"}, {"Piano hour"}),
        ({"status": "on_live", "anchor": "mia"}, {"Jazz night"}),
        ({"q": "%"}, set()),
        ({"status": "nonsense", "anchor": "nobody", "sort": "nonsense"}, {"Jazz night", "Piano hour", "夜话"}),
    ],
)
def test_filters(operator: User, query: dict[str, Any], expected: set[str]) -> None:
    mia, kenji = make_user("anchor", username="mia"), make_user("anchor", username="kenji")
    make_room(title="Jazz night", anchor=mia, status="on_live")
    make_room(title="Piano hour", anchor=kenji, status="on_live", group_id="grp-piano")
    make_room(title="夜话", anchor=mia, status="paused")
    for url in ("/", "/rooms/panels/wall/"):
        found = Room.objects.filter(pk__in=shown(make_client(operator), url, **query))
        assert {room.title for room in found} == expected


def test_orders(operator: User) -> None:
    now, client = timezone.now(), make_client(operator)
    b = make_room(title="b", online_count=5, scheduled_at=now)
    a = make_room(title="a", online_count=9, scheduled_at=None)
    c = make_room(title="c", online_count=5, scheduled_at=now - timedelta(hours=1))
    assert shown(client) == [a.pk, c.pk, b.pk]
    assert shown(client, sort="newest") == [c.pk, a.pk, b.pk]
    assert shown(client, sort="title", view="table") == [a.pk, b.pk, c.pk]
    assert shown(client, sort="scheduled") == [c.pk, b.pk, a.pk]


@pytest.mark.parametrize("sort", list(ORDERS))
def test_pages_show_every_room_once(operator: User, sort: str) -> None:
    """Even where many rooms share the value they are sorted by."""
    anchor, now, client = make_user("anchor"), timezone.now(), make_client(operator)
    for number in range(2 * PAGE_SIZE + 7):
        scheduled_at = None if number % 3 == 0 else now + timedelta(hours=number % 5)
        make_room(anchor=anchor, title=f"t{number % 4}", online_count=number % 3, scheduled_at=scheduled_at)
    seen: list[int] = []
    url = f"/rooms/panels/wall/more/?sort={sort}"
    while url:
        html = client.get(url).content.decode()
        seen += ids(html)
        more = re.search(r'hx-get="(/rooms/panels/wall/more/\?[^"]*)"', html)
        url = more.group(1).replace("&amp;", "&") if more else ""
    assert len(seen) == len(set(seen)) == Room.objects.count()


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "bnVsbA",
        "WyJub3cgaXNoIiwgMV0",
        "WzEsIC01XQ",
        "%00",
        "W251bGwsIDFd",
        "WyJcdTAwMDAiLCAxXQ",
        "WyJcdWQ4MDAiLCAxXQ",
    ],
)
@pytest.mark.parametrize("sort", list(ORDERS))
def test_a_cursor_nobody_gave_out_does_no_harm(operator: User, sort: str, cursor: str) -> None:
    make_room()
    assert make_client(operator).get("/", {"after": cursor, "sort": sort}).status_code == 200


def test_the_panel_puts_the_page_into_the_address(operator: User) -> None:
    response = make_client(operator).get("/rooms/panels/wall/?q=jazz&status=paused&status=ended&sort=online&view=table")
    assert response.headers["HX-Push-Url"] == "/?q=jazz&status=paused&status=ended&view=table"
    assert b"<html" not in response.content


def test_many_rooms_cost_as_many_queries_as_one(
    operator: User, django_assert_num_queries: Callable[[int], Any]
) -> None:
    anchor, client = make_user("anchor"), make_client(operator)
    make_room(anchor=anchor)
    with django_assert_num_queries(11):
        client.get("/")
    for _ in range(PAGE_SIZE + 5):
        make_room(anchor=anchor)
    with django_assert_num_queries(11):
        client.get("/")


def test_a_hostile_title_stays_text(operator: User) -> None:
    make_room(title='<img src=x onerror="alert(1)">')
    for view in ("tiles", "table"):
        html = make_client(operator).get("/", {"view": view}).content.decode()
        assert "<img src=x" not in html
        assert "&lt;img src=x" in html


def test_an_empty_wall_says_what_to_do(operator: User, anchor: User) -> None:
    assert "No rooms yet" in make_client(operator).get("/").content.decode()
    assert "/rooms/new/" in make_client(operator).get("/").content.decode()
    assert "/rooms/new/" not in make_client(anchor).get("/").content.decode()
    assert "No room matches" in make_client(operator).get("/", {"q": "x"}).content.decode()


def test_pulses_tell_the_last_whole_minute_of_visible_rooms(anchor: User, other_anchor: User) -> None:
    own, other = make_room(anchor=anchor), make_room(anchor=other_anchor)
    this_minute = timezone.now().replace(second=0, microsecond=0)
    for room in (own, other):
        RoomMinute.objects.create(room=room, minute=this_minute - timedelta(minutes=1), message_count=42)
        RoomMinute.objects.create(room=room, minute=this_minute - timedelta(minutes=31), message_count=99)
    html = make_client(anchor).get(f"/stats/pulses/?rooms={own.pk},{other.pk},nonsense,").content.decode()
    assert f'<b id="room-{own.pk}-rate" hx-swap-oob="true">42</b>' in html
    assert f'id="room-{own.pk}-spark"' in html
    assert f"room-{other.pk}-" not in html


def test_pulses_of_many_rooms_take_one_query(
    operator: User, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    rooms, client = [str(make_room().pk) for _ in range(20)], make_client(operator)
    with django_assert_max_num_queries(6):
        client.get("/stats/pulses/", {"rooms": ",".join(rooms)})
