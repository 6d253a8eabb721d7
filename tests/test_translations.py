"""The console in Simplified Chinese: the whole catalogue, whole pages, live updates in the language of who watches."""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import orjson
import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone, translation

from rooms import live
from rooms.actors import Actor
from rooms.live_hub import Published, _language, _render_frames, _request
from rooms.models import Message, OutboxCommand, Room, User
from rooms.services.control import send_operator_message
from rooms.services.lifecycle import start_room
from rooms.services.notices import set_notice
from tests.factories import make_membership, make_message, make_room, make_user, make_viewer

ClientOf = Callable[[str], Client]
Entry = dict[str, str]

CATALOGUE: Final = Path(settings.LOCALE_PATHS[0]) / "zh_Hans" / "LC_MESSAGES" / "django.po"
CHINESE: Final = "zh-hans"
# Names and technical words that are the same in every language.
KEPT: Final = {"Greenroom", "IM", "ID", "JSON", "UTF", "https", "text", "images", "English"}
_PLACEHOLDER: Final = re.compile(r"%\(\w+\)[a-z]|%[a-z]|\{\w+\}")
# A name such as `create_group`, which belongs to Chat, is no word.
_LATIN_WORD: Final = re.compile(r"(?<![A-Za-z_])[A-Za-z]{2,}(?![A-Za-z_])")


# The catalogue


def entries() -> Iterator[Entry]:
    """Every message with its `#,` flags, `msgid`, `msgid_plural`, `msgctxt` and `msgstr`; the header comes first."""
    for block in CATALOGUE.read_text().split("\n\n"):
        entry: Entry = {"flags": ""}
        name = ""
        for line in block.splitlines():
            if line.startswith("#"):
                entry["flags"] += line[1:]
                continue
            if not line.startswith('"'):
                name, _, line = line.partition(" ")
                name = "msgstr" if name == "msgstr[0]" else name
            entry[name] = entry.get(name, "") + ast.literal_eval(line)
        yield entry


def test_every_message_is_translated_for_certain() -> None:
    _, *messages = entries()
    assert len(messages) > 200
    assert [entry["msgid"] for entry in messages if not entry["msgstr"].strip()] == []
    assert [entry["msgid"] for entry in messages if "fuzzy" in entry["flags"]] == []


def test_a_translation_has_the_placeholders_of_its_message() -> None:
    for entry in entries():
        original = entry.get("msgid_plural", entry["msgid"])
        assert placeholders(entry["msgstr"]) == placeholders(original), entry["msgid"]


def test_the_header_names_no_time_person_or_machine() -> None:
    header = next(entries())["msgstr"]
    names = {line.partition(":")[0] for line in header.splitlines()}
    assert names == {
        "Project-Id-Version", "Language", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Plural-Forms",
    }  # fmt: skip


def placeholders(text: str) -> Counter[str]:
    return Counter(_PLACEHOLDER.findall(text))


# Pages


@pytest.fixture
def chinese_room(operator: User) -> Room:
    """A live room in which everything that has a sentence of ours has happened, and people who write Chinese."""
    operator.username, operator.first_name = "1", "运营"
    operator.save(update_fields=["username", "first_name"])
    anchor = make_user("anchor", username="a1", first_name="美琳")
    room = make_room(title="春茶开箱", group_id="1001", anchor=anchor)
    actor = Actor.of_user(operator)
    room = start_room(room, actor=actor)
    for text in ("旧公告", "新公告"):
        room = set_notice(room, actor=actor, introduction="简介", notification=text)
    send_operator_message(room, actor=actor, text="大家好", style="warning")
    for kind in Message.Kind:
        text = "on_live" if kind == Message.Kind.STATUS else ""
        make_message(room, text, kind=kind, account="1", priority="High")
    elements = [{"kind": kind} for kind in ("image", "sound", "video", "file", "face", "location", "relay", "other")]
    make_message(room, "", account="1", elements=elements, priority="Low")
    make_membership(room, make_viewer("1"))
    newest = OutboxCommand.objects.filter(room=room).latest("pk")
    OutboxCommand.objects.filter(pk=newest.pk).update(
        state=OutboxCommand.State.FAILED,
        attempt_count=2,
        settled_at=timezone.now(),
        error_text="It is not known whether Chat got this message, and too late to repeat it safely.",
    )
    for status in (Room.Status.TO_BE_STARTED, Room.Status.PAUSED, Room.Status.ENDED, Room.Status.PLAYED_BACK):
        make_room(title="直播", group_id=f"2{status.value[:1]}{len(status.value)}", anchor=anchor, status=status)
    return room


def test_the_language_form_switches_the_wall(client_of: ClientOf, chinese_room: Room) -> None:
    client = client_of("operator")
    before = client.get("/").content.decode()
    assert '<html lang="en">' in before
    assert "New room" in words_of(before)
    after = switched(client).get("/").content.decode()
    assert '<html lang="zh-hans">' in after
    assert {"新建直播间", "待开播", "直播中", "已暂停", "已结束", "回放中"} <= set(words_of(after))


@pytest.mark.parametrize(
    "path",
    [
        "/", "/?view=table", "/?q=无", "/rooms/new/", "/rooms/{id}/", "/rooms/{id}/edit/", "/rooms/{id}/messages/",
        "/password/", "/password/done/",
    ],
)  # fmt: skip
def test_no_english_is_left_on_a_page(client_of: ClientOf, chinese_room: Room, path: str) -> None:
    answer = switched(client_of("operator")).get(path.format(id=chinese_room.pk))
    assert answer.status_code == 200
    assert english_in(answer.content.decode()) == []


def test_no_english_is_left_in_the_question_before_the_end(client_of: ClientOf, chinese_room: Room) -> None:
    answer = switched(client_of("operator")).post(f"/rooms/{chinese_room.pk}/steps/end/")
    assert "结束直播？" in words_of(answer.content.decode())
    assert english_in(answer.content.decode()) == []


@pytest.mark.parametrize("status", [Room.Status.TO_BE_STARTED, Room.Status.ENDED, Room.Status.PLAYED_BACK])
def test_no_english_is_left_in_a_room_that_is_not_on(
    client_of: ClientOf, chinese_room: Room, status: Room.Status
) -> None:
    room = Room.objects.get(status=status)
    assert english_in(switched(client_of("operator")).get(f"/rooms/{room.pk}/").content.decode()) == []


def test_no_english_is_left_for_who_is_signed_out(client_of: ClientOf) -> None:
    client = switched(client_of("anonymous"))
    wrong = client.post("/login/", {"username": "1", "password": "2"})
    assert english_in(wrong.content.decode()) == []
    assert english_in(client.get("/login/").content.decode()) == []


@pytest.mark.parametrize("code", [400, 403, 404, 500])
def test_no_english_is_left_on_an_error_page(code: int) -> None:
    with translation.override(CHINESE):
        page = render_to_string(f"{code}.html")
    assert '<html lang="zh-hans">' in page
    assert english_in(page) == []


def test_refusals_are_chinese_with_the_status_in_them(client_of: ClientOf, chinese_room: Room) -> None:
    ended = Room.objects.get(status=Room.Status.ENDED)
    answer = switched(client_of("operator")).post(f"/api/v1/rooms/{ended.pk}/start/")
    assert answer.status_code == 409
    assert answer.json()["detail"] == "直播间当前为“已结束”，无法变更为“直播中”。"


def switched(client: Client) -> Client:
    """The client after its person chose Chinese in the header."""
    answer = client.post("/language/setlang/", {"language": CHINESE, "next": "/"})
    assert answer.status_code == 302
    return client


# Live updates


@pytest.mark.django_db(transaction=True)
def test_a_live_fragment_comes_in_the_watchers_language(client_of: ClientOf, chinese_room: Room) -> None:
    cookie = switched(client_of("operator")).cookies[settings.LANGUAGE_COOKIE_NAME]
    choices = [("accept-language", "en"), ("accept-language", "zh-CN"), ("cookie", f"{cookie.key}={cookie.value}")]
    languages = [watcher_language(*header) for header in choices]
    assert languages == ["en", CHINESE, CHINESE]

    said = {
        "tile": ("Live", "直播中"),
        "room": ("The room is now: Live", "直播间状态：直播中"),
        "messages": ("Liked the room", "点赞 1 次"),
    }
    for event, (english, chinese) in said.items():
        fragments = live_html(event, chinese_room, set(languages))
        assert english in words_of(fragments["en"])
        assert chinese in words_of(fragments[CHINESE])
        assert english_in(fragments[CHINESE]) == []


def watcher_language(header: str, value: str) -> str:
    return _language(_request({"headers": [(header.encode(), value.encode())]}))


def live_html(event: str, room: Room, languages: set[str]) -> dict[str, str]:
    """What the hub sends for the event, all swaps in one text for each language."""
    renderer = live.renderer(event)
    assert renderer is not None
    ids = list(Message.objects.filter(room=room).order_by("seq").values_list("pk", flat=True))
    entry = Published(b"1-0", f"room:{room.pk}", event, orjson.dumps({"room": room.pk, "ids": ids}))
    found: dict[str, str] = {}
    for language, frame in _render_frames(renderer, entry, languages).items():
        swaps = orjson.loads(frame.partition(b"data: ")[2])
        found[language] = "\n".join(swap["html"] for swap in swaps)
    return found


# What a person reads or hears


class _Reader(HTMLParser):
    """Collects visible text, and what attributes say to people; skips code, scripts and style."""

    SPOKEN = ("title", "aria-label", "placeholder", "alt")
    SILENT = ("script", "style", "code", "kbd")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self.SILENT
        given = dict(attrs)
        is_ours = given.get("id") == "ui-strings" or "data-confirm" in given
        for name, value in attrs:
            is_spoken = name in self.SPOKEN or (is_ours and name.startswith("data-") and name != "data-confirm-tone")
            if value and is_spoken:
                self.found.append(value)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in self.SILENT

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.found.append(data.strip())


def words_of(html: str) -> list[str]:
    reader = _Reader()
    reader.feed(html)
    return reader.found


def english_in(html: str) -> list[str]:
    return [text for text in words_of(html) if set(_LATIN_WORD.findall(_PLACEHOLDER.sub("", text))) - KEPT]
