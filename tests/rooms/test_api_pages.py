"""Keyset pages: nothing twice, nothing left out, and a constant number of queries."""

from itertools import chain
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rooms.models import Room, User
from tests import factories
from tests.rooms.test_api_access import make_command

pytestmark = pytest.mark.django_db


def walk(client: Client, url: str, link: str = "next") -> list[dict[str, Any]]:
    """Every page from `url` on."""
    pages = []
    while url:
        answer = client.get(url)
        assert answer.status_code == 200, answer.content
        pages.append(answer.json())
        url = pages[-1][link]
    return pages


def ids(pages: list[dict[str, Any]]) -> list[list[int]]:
    return [[row["id"] for row in page["results"]] for page in pages]


def test_rows_that_come_or_go_meanwhile_move_nobodys_page(api: Client, anchor: User) -> None:
    rooms = [factories.make_room(anchor=anchor).pk for _ in range(6)]
    seen = []
    url = "/api/v1/rooms/?page_size=2"
    while url:
        page = api.get(url).json()
        seen += [room["id"] for room in page["results"]]
        factories.make_room(anchor=anchor)
        url = page["next"]
    assert seen == rooms[::-1]

    first = api.get("/api/v1/rooms/?page_size=2").json()
    Room.objects.filter(pk=first["results"][-1]["id"]).delete()
    second = api.get(first["next"]).json()
    assert second["results"][0]["id"] == first["results"][-1]["id"] - 1


@pytest.mark.parametrize("ordering", ["newest", "oldest", "online", "title"])
def test_equal_values_are_neither_repeated_nor_left_out(api: Client, anchor: User, ordering: str) -> None:
    for number in range(9):
        factories.make_room(anchor=anchor, title=f"Room {number % 2}", online_count=number // 4)
    whole = api.get(f"/api/v1/rooms/?ordering={ordering}").json()
    assert (whole["next"], whole["previous"]) == (None, None)
    pages = walk(api, f"/api/v1/rooms/?ordering={ordering}&page_size=2")
    assert [len(page) for page in ids(pages)] == [2, 2, 2, 2, 1]
    assert list(chain(*ids(pages))) == ids([whole])[0]
    assert pages[0]["previous"] is None
    back = walk(api, pages[-1]["previous"], "previous")
    assert ids(back) == ids(pages)[-2::-1]
    assert ids(walk(api, back[-1]["next"])) == ids(pages)[1:]


def test_members_are_paged_across_those_present_and_those_gone(api: Client) -> None:
    room = factories.make_room()
    for number in range(7):
        joined = f"2026-11-20T10:00:0{number // 3}.123456Z"
        factories.make_membership(room, is_present=number % 2 == 0, joined_at=joined)
    url = f"/api/v1/rooms/{room.pk}/members/"
    whole = [row["account"] for row in api.get(url).json()["results"]]
    paged = [row["account"] for page in walk(api, f"{url}?page_size=2") for row in page["results"]]
    assert len(set(whole)) == 7
    assert paged == whole


def test_filters_stay_on_the_next_page(api: Client, anchor: User) -> None:
    for number in range(6):
        factories.make_room(anchor=anchor, status="on_live" if number % 2 else "ended")
    pages = walk(api, "/api/v1/rooms/?status=on_live&status=paused&page_size=1")
    assert [page["results"][0]["status"] for page in pages] == ["on_live"] * 3


def test_a_cursor_is_of_its_order_and_of_our_making(api: Client, anchor: User) -> None:
    for _ in range(3):
        factories.make_room(anchor=anchor)
    url = api.get("/api/v1/rooms/?page_size=1").json()["next"]
    assert api.get(f"{url}&ordering=title").json()["errors"][0]["code"] == "bad_cursor"
    for broken in [url[:-1], url.replace("cursor=", "cursor=x")]:
        answer = api.get(broken)
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("rows", ["rooms", "messages", "members", "commands"])
@pytest.mark.parametrize("caller", ["app", "person"])
def test_a_list_costs_the_same_with_one_row_and_with_fifty(api: Client, operator: User, rows: str, caller: str) -> None:
    client = api if caller == "app" else factories.make_client(operator)
    room = factories.make_room(notification='{"text":"x","images":[]}')
    make = {
        "rooms": factories.make_room,
        "messages": lambda: factories.make_message(room),
        "members": lambda: factories.make_membership(room),
        "commands": lambda: make_command(room),
    }[rows]
    url = "/api/v1/rooms/" if rows == "rooms" else f"/api/v1/rooms/{room.pk}/{rows}/"

    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert api_rows(client, url) > 0
        return len(queries)

    make()
    one = cost()
    for _ in range(49):
        make()
    assert cost() == one
    assert one <= {"app": 3, "person": 6}[caller]


def api_rows(client: Client, url: str) -> int:
    return len(client.get(f"{url}?page_size=200").json()["results"])
