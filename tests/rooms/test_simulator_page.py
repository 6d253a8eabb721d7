"""The viewer's page in a browser: what a newcomer sees, what arrives live, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.rooms.simulator_stage import Stage, stage

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chat() -> Iterator[Stage]:
    with stage(webhook_url="") as found:
        yield found


@pytest.fixture
def viewer(browser: Browser, chat: Stage) -> Iterator[Page]:
    data = [{"Key": "room_status", "Value": "to_be_started"}]
    chat.room(Notification="read me", AppDefinedData=data)
    problems: list[str] = []
    context = browser.new_context(viewport={"width": 412, "height": 860}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.goto(f"{chat.url}/sim/groups/room_1/view?account=viewer_1")
    expect(page.get_by_test_id("viewer")).to_have_attribute("data-state", "inside")
    yield page
    context.close()
    chat.reset()
    assert problems == []


def say(page: Page, text: str) -> None:
    page.get_by_test_id("say").fill(text)
    page.get_by_test_id("send").click()


def rows(page: Page, kind: str) -> Locator:
    return page.locator(f'[data-testid="message"][data-kind="{kind}"]')


def command(chat: Stage, number: int, cmd: str, **info: object) -> None:
    data = orjson.dumps({"version": 1.0, "businessID": "greenroom", "data": {"cmd": cmd, "cmdInfo": info}}).decode()
    body = [{"MsgType": "TIMCustomElem", "MsgContent": {"Data": data, "Desc": "", "Ext": ""}}]
    assert chat.send(Random=number, MsgPriority="High", MsgBody=body)["ErrorCode"] == 0


def test_a_newcomer_reads_the_profile_and_follows_the_room(chat: Stage, viewer: Page) -> None:
    expect(viewer.get_by_test_id("status")).to_have_attribute("data-status", "to_be_started")
    expect(viewer.get_by_test_id("notice")).to_have_text("read me")
    expect(viewer.get_by_test_id("title")).to_have_text("Evening songs")
    expect(viewer.get_by_test_id("online")).to_have_text("1")
    command(chat, 1, "room_status", status="on_live")
    expect(viewer.get_by_test_id("status")).to_have_text("Live")
    chat.group("modify_group_attr", GroupId="room_1", GroupAttr=[{"key": "room_status", "value": "paused"}])
    expect(viewer.get_by_test_id("status")).to_have_text("Paused")
    chat.group("modify_group_base_info", GroupId="room_1", Notification='{"text":"<b>new</b>","images":[]}')
    expect(viewer.get_by_test_id("notice")).to_have_text("<b>new</b>")
    command(chat, 2, "room_notice", notification="newest", introduction="")
    expect(viewer.get_by_test_id("notice")).to_have_text("newest")
    command(chat, 3, "warning", text="no links")
    expect(rows(viewer, "warning")).to_contain_text("no links")
    chat.send(Random=4, text="look", CloudCustomData='{"businessID":"greenroom","style":"highlight"}')
    expect(rows(viewer, "highlight")).to_contain_text("look")
    chat.join("viewer_2")
    expect(viewer.get_by_test_id("online")).to_have_text("2")
    chat.speak("viewer_2", "<i>hello</i>")
    expect(rows(viewer, "text").last).to_contain_text("<i>hello</i>")


def test_a_viewer_speaks_likes_and_gives(chat: Stage, viewer: Page) -> None:
    say(viewer, "good evening 晚上好")
    expect(rows(viewer, "text")).to_contain_text("good evening 晚上好")
    viewer.get_by_test_id("like").click()
    viewer.get_by_test_id("gift").click()
    expect(rows(viewer, "like")).to_have_count(1)
    expect(rows(viewer, "gift")).to_contain_text("Rose")
    assert [one["from"] for one in chat.shown()["messages"]] == ["viewer_1"] * 3


def test_a_refusal_is_shown_with_its_code_and_keeps_the_words(chat: Stage, viewer: Page) -> None:
    chat.group("forbid_send_msg", GroupId="room_1", Members_Account=["viewer_1"], MuteTime=60)
    say(viewer, "am I muted?")
    expect(viewer.get_by_test_id("refusal")).to_contain_text("10017")
    expect(viewer.get_by_test_id("say")).to_have_value("am I muted?")
    chat.group("forbid_send_msg", GroupId="room_1", Members_Account=["viewer_1"], MuteTime=0)
    viewer.get_by_test_id("send").click()
    expect(viewer.get_by_test_id("refusal")).to_be_hidden()


def test_a_banned_viewer_is_out_and_stays_out(chat: Stage, viewer: Page) -> None:
    chat.group("ban_group_member", GroupId="room_1", Members_Account=["viewer_1"], Duration=60)
    expect(viewer.get_by_test_id("viewer")).to_have_attribute("data-state", "out")
    expect(viewer.get_by_test_id("say")).to_be_disabled()
    viewer.reload()
    expect(viewer.get_by_test_id("refusal")).to_contain_text("10007")
    expect(viewer.get_by_test_id("title")).to_have_text("Evening songs")


def test_a_closed_room_says_so(chat: Stage, viewer: Page) -> None:
    chat.group("destroy_group", GroupId="room_1")
    expect(viewer.get_by_test_id("refusal")).to_contain_text("closed")


def test_closing_the_page_leaves_the_room(chat: Stage, viewer: Page) -> None:
    viewer.goto("about:blank")
    for _ in range(2000):
        if not chat.shown()["members"]:
            return
    pytest.fail("the viewer stayed inside")
