"""What live events do to the pages: only what everybody who watches may see, aimed at elements that are there."""

import re

import pytest
from django.contrib.auth.models import AnonymousUser

from rooms import feed, live, renderers
from rooms.models import Message, Room, User
from tests.factories import make_client, make_message, make_room

pytestmark = pytest.mark.django_db


def render(event: str, **payload: object) -> list[live.Swap]:
    renderer = live.renderer(event)
    assert renderer is not None
    return renderer.render("", payload)


def test_a_burst_of_messages_is_one_swap_newest_first_and_no_longer_than_a_page() -> None:
    room = make_room()
    ids = [make_message(room, seq=seq).pk for seq in range(1, feed.PAGE_SIZE + 31)]
    (swap,) = render("messages", room=room.pk, ids=ids)
    seqs = [int(seq) for seq in re.findall(r'id="message-(\d+)"', swap.html)]
    assert (swap.target, swap.how, swap.count) == ("feed-rows", "prepend", feed.PAGE_SIZE + 30)
    assert seqs == list(range(feed.PAGE_SIZE + 30, 30, -1))


def test_live_rows_are_the_pages_rows(operator: User) -> None:
    room = make_room(status="on_live")
    message = make_message(room, "<b>words</b>")
    (swap,) = render("messages", room=room.pk, ids=[message.pk])
    assert swap.html.strip() in make_client(operator).get(f"/rooms/{room.pk}/").content.decode()
    assert "<b>" not in swap.html


def test_messages_take_one_query(django_assert_num_queries: object) -> None:
    room = make_room()
    ids = [make_message(room).pk for _ in range(5)]
    with django_assert_num_queries(1):  # type: ignore[operator]
        render("messages", room=room.pk, ids=ids)


def test_messages_of_another_room_are_left_out() -> None:
    message = make_message(make_room())
    assert render("messages", room=make_room().pk, ids=[message.pk]) == []


@pytest.mark.parametrize("event", ["room", "members", "commands"])
def test_every_target_is_on_the_room_page(operator: User, event: str) -> None:
    room = make_room(status="on_live", scheduled_at=None)
    html = make_client(operator).get(f"/rooms/{room.pk}/").content.decode()
    on_wall = re.compile(rf"room-{room.pk}-(tile|row)")
    targets = {swap.target for swap in render(event, room=room.pk)}
    assert targets
    for target in targets:
        assert on_wall.fullmatch(target) or f'id="{target}"' in html


@pytest.mark.parametrize(("view", "kind"), [("tiles", "tile"), ("table", "row")])
def test_every_target_of_a_tile_is_on_the_wall(operator: User, view: str, kind: str) -> None:
    room = make_room(status="on_live", online_count=7)
    html = make_client(operator).get("/", {"view": view}).content.decode()
    swaps = {swap.target: swap for swap in [*render("tile", room=room.pk), *render("numbers", room=room.pk)]}
    assert f'id="room-{room.pk}-{kind}"' in html
    assert f'id="room-{room.pk}-online"' in html
    assert swaps[f"room-{room.pk}-online"].html == "7"
    assert "/stats/pulses/" in swaps[f"room-{room.pk}-{kind}"].html


def test_what_only_some_may_do_is_never_sent_to_all() -> None:
    room = make_room(status="on_live")
    for event in ("room", "members", "commands", "tile", "numbers"):
        for swap in render(event, room=room.pk):
            assert "<form" not in swap.html
            assert "hx-post" not in swap.html


@pytest.mark.parametrize("event", ["room", "members", "tile", "numbers"])
def test_a_room_that_is_gone_changes_nothing(event: str) -> None:
    assert render(event, room=0) == []


def test_who_may_watch_what(operator: User, finance: User, anchor: User, other_anchor: User, nobody: User) -> None:
    room = make_room(anchor=anchor)
    expected = {
        operator: {"wall", f"room:{room.pk}", f"feed:{room.pk}"},
        finance: {"wall", f"room:{room.pk}"},
        anchor: {f"room:{room.pk}", f"feed:{room.pk}"},
        other_anchor: set(),
        nobody: set(),
    }
    topics = {"wall", f"room:{room.pk}", f"feed:{room.pk}", "wall:1", "room:", "room:x", f"feed:{10**20}", "other"}
    for user, allowed in expected.items():
        assert {topic for topic in topics if live.may_watch(user, topic)} == allowed
    assert not any(live.may_watch(AnonymousUser(), topic) for topic in topics)


def test_a_page_names_the_newest_event_it_knows(operator: User) -> None:
    room, client = make_room(), make_client(operator)
    assert "data-live-last-id" not in client.get("/").content.decode()
    live.publish(room.topic, "room", {"room": room.pk})
    assert f'data-live-last-id="{live.position()}"' in client.get(f"/rooms/{room.pk}/").content.decode()


def test_every_kind_of_message_has_a_group() -> None:
    room = Room(pk=1)
    for kind in Message.Kind.values:
        message = make_message(make_room(), kind=kind)
        assert feed.rows([message])[0].group in feed.Group.values
    assert renderers.render_messages("", {"room": room.pk, "ids": []}) == []
