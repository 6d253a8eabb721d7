"""The wall and the room page in a real browser: accessible, fitting, live, and usable without scripts."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from rooms import live
from rooms.models import Room, User
from tests.factories import make_membership, make_message, make_room, make_viewer

NewPage = Callable[..., Page]
pytestmark = [pytest.mark.browser]

LONG = "夏日新品发布会：轻薄羽绒服与户外装备专场，全场五折起，前一百名下单送好礼"
OUTER = "(element) => element.outerHTML"
MEMBERS = re.compile("/panels/members/")
UNBROKEN = "Supercalifragilisticexpialidocious" * 2


@pytest.fixture
def room(server: object, operator: User) -> Room:
    """A live room with something of everything."""
    room = make_room(title=LONG, status="on_live", notification=UNBROKEN, introduction=LONG)
    for kind in ("text", "gift", "like", "warning", "highlight", "status", "media", "custom"):
        make_message(room, UNBROKEN * 3, kind=kind, account=UNBROKEN[:64], priority="High")
    make_membership(room, make_viewer(UNBROKEN[:64]))
    make_room(title=UNBROKEN, status="paused")
    return room


def publish_message(room: Room, text: str) -> None:
    """As the ingest does after it stored the message."""
    message = make_message(room, text)
    live.publish(f"feed:{room.pk}", "messages", {"room": room.pk, "ids": [message.pk]})


def is_live(page: Page) -> None:
    expect(page.locator("[data-live-state=live]")).to_be_attached()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1024, 1440, 2560])
def test_pages_are_accessible_and_fit(new_page: NewPage, operator: User, room: Room, width: int, scheme: str) -> None:
    page = new_page(operator, viewport={"width": width, "height": 900}, color_scheme=scheme)
    for url in ("/", "/?view=table", "/?q=nothing", f"/rooms/{room.pk}/", "/rooms/new/", f"/rooms/{room.pk}/edit/"):
        page.goto(url)
        found: dict[str, Any] = Axe().run(page).response
        broken = [(issue["id"], [node["html"] for node in issue["nodes"]]) for issue in found["violations"]]
        assert not broken, f"{url}: {broken}"
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) <= 0, url


def test_a_message_appears_by_itself_and_as_text(new_page: NewPage, operator: User, room: Room) -> None:
    page = new_page(operator)
    page.goto(f"/rooms/{room.pk}/")
    is_live(page)
    publish_message(room, "<b>hello</b>")
    expect(page.locator("#feed-rows > .feed-row").first).to_contain_text("<b>hello</b>")


def test_nothing_between_rendering_and_connecting_is_lost(new_page: NewPage, operator: User, room: Room) -> None:
    publish_message(room, "before")
    page = new_page(operator)
    page.route("**/live/**", lambda route: (publish_message(room, "in between"), route.continue_()))
    page.goto(f"/rooms/{room.pk}/")
    expect(page.locator("#feed-rows")).to_contain_text("in between")
    assert page.locator("#feed-rows").inner_text().count("before") == 1


def test_a_hovered_feed_keeps_still(new_page: NewPage, operator: User, room: Room) -> None:
    page = new_page(operator)
    page.goto(f"/rooms/{room.pk}/")
    is_live(page)
    page.hover(".feed-scroller")
    publish_message(room, "wait for me")
    expect(page.locator("[data-live-pill]")).to_be_visible()
    expect(page.locator(".feed-scroller")).to_have_attribute("aria-live", "off")
    expect(page.locator("#feed-rows")).not_to_contain_text("wait for me")
    page.click("[data-live-pill]")
    expect(page.locator("#feed-rows")).to_contain_text("wait for me")


def test_who_may_not_read_gets_no_messages(new_page: NewPage, finance: User, room: Room) -> None:
    page = new_page(finance)
    page.goto(f"/rooms/{room.pk}/")
    is_live(page)
    expect(page.locator("#room-feed")).to_have_count(0)
    assert page.request.get(f"/live/?topics=feed:{room.pk}").status == 403


def test_a_change_by_one_operator_is_seen_by_the_other(
    new_page: NewPage, operator: User, anchor: User, room: Room
) -> None:
    mine, theirs, wall = new_page(operator), new_page(operator), new_page(operator)
    mine.goto(f"/rooms/{room.pk}/")
    theirs.goto(f"/rooms/{room.pk}/")
    wall.goto("/")
    for page in (mine, theirs, wall):
        is_live(page)
    theirs.click("summary:has-text('Change the notice')")
    theirs.fill("#id_notification", "half a sentence")
    mine.click("#room-step-pause")
    expect(theirs.locator("#room-facts")).to_contain_text("Paused")
    expect(theirs.locator("#room-step-resume")).to_be_visible()
    expect(theirs.locator("#room-announcement")).to_have_text("The room is now: Paused")
    expect(theirs.locator("#id_notification")).to_have_value("half a sentence")
    expect(wall.locator(f"#room-{room.pk}-tile.tile-paused")).to_be_visible()
    expect(wall.locator("#wall-count-paused")).to_have_text("2")
    expect(mine.locator("#room-controls")).to_be_focused()


def test_a_panel_is_asked_for_once_at_a_time_and_again_for_what_came_meanwhile(
    new_page: NewPage, operator: User, room: Room
) -> None:
    page = new_page(operator)
    errors: list[str] = []
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.goto(f"/rooms/{room.pk}/")
    is_live(page)
    held: list[Route] = []
    page.route(MEMBERS, lambda route: route.continue_() if held else held.append(route))
    with page.expect_request(MEMBERS):
        live.publish(room.topic, "members", {"room": room.pk})

    make_membership(room, make_viewer("latecomer"))
    live.publish(room.topic, "members", {"room": room.pk})
    Room.objects.filter(pk=room.pk).update(online_count=77)
    live.publish(room.topic, "numbers", {"room": room.pk})
    expect(page.locator(f"#room-{room.pk}-online")).to_have_text("77")  # so the second event has arrived, too

    held[0].fulfill(status=200, content_type="text/html", body=page.locator("#room-members").evaluate(OUTER))
    expect(page.locator("#room-members")).to_contain_text("latecomer")
    assert errors == []


def test_ending_asks_and_a_refusal_keeps_the_text(new_page: NewPage, operator: User, room: Room) -> None:
    page = new_page(operator)
    page.goto(f"/rooms/{room.pk}/")
    page.click("#room-step-end")
    page.click("[data-confirm-cancel]")
    assert Room.objects.get(pk=room.pk).status == "on_live"
    page.fill("#id_text", "my last words")
    Room.objects.filter(pk=room.pk).update(status="ended")
    page.click("#room-speak-send")
    expect(page.locator("#toasts-urgent")).to_contain_text("This room has ended")
    expect(page.locator("#id_text")).to_have_value("my last words")


def test_filters_go_into_the_address_and_come_back(new_page: NewPage, operator: User, room: Room) -> None:
    page = new_page(operator)
    page.goto("/")
    page.locator("label:has(input[value=paused])").click()
    expect(page.locator(".tile")).to_have_count(1)
    assert page.url.endswith("/?status=paused")
    page.go_back()
    expect(page.locator(".tile")).to_have_count(2)


def test_older_messages_follow_without_a_gap(new_page: NewPage, operator: User) -> None:
    room = make_room(status="on_live")
    for _ in range(130):
        make_message(room)
    page = new_page(operator)
    page.goto(f"/rooms/{room.pk}/")
    page.click("#feed-older")
    expect(page.locator("#feed-rows > .feed-row")).to_have_count(130)
    expect(page.locator("#feed-older")).to_be_hidden()


def test_a_room_is_run_without_scripts(new_page: NewPage, operator: User, room: Room) -> None:
    page = new_page(operator, java_script_enabled=False)
    page.goto("/")
    page.click(f"#room-{room.pk}-tile a")
    page.click("#room-step-pause")
    expect(page.locator("#room-facts")).to_contain_text("Paused")
    page.fill("#id_text", "好" * 700)
    page.click("#room-speak-send")
    expect(page.locator("#room-speak")).to_contain_text("2100 bytes")
    expect(page.locator("#id_text")).to_have_value("好" * 700)
    page.click("#room-step-end")
    page.click("main button[type=submit]")
    expect(page.locator("#room-facts")).to_contain_text("Ended")
