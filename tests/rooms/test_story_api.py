"""The main job by the API alone: a room's life as a business app leads it and as viewers see it."""

from typing import Any

from django.test import Client

from rooms.models import User
from tests.conftest import Stack
from tests.services import eventually

REPLAY = "https://replays.example.com/evening.m3u8"


class App:
    """A business app: what it asks is asked over HTTP, with its key."""

    def __init__(self, api: Client) -> None:
        self._api = api
        self.room_id = 0

    def get(self, path: str = "") -> Any:
        answer = self._api.get(f"/api/v1/rooms/{self.room_id}/{path}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def post(self, path: str, status: int = 200, **body: Any) -> Any:
        room = f"{self.room_id}/" if self.room_id else ""
        answer = self._api.post(f"/api/v1/rooms/{room}{path}", body, content_type="application/json")
        assert answer.status_code == status, answer.content
        return answer.json()

    def says_settled(self) -> bool:
        return all(command["state"] == "applied" for command in self.get("commands/")["results"])


def test_a_room_is_led_from_creation_to_replay(stack: Stack, api: Client, anchor: User) -> None:
    app, simulator = App(api), stack.simulator
    room = app.post("", 201, title="Evening songs", anchor=anchor.account, group_id="evening", notification="八点见")
    app.room_id = room["id"]
    eventually(app.says_settled, what="the group being created")
    _assert_seen(app, stack, "to_be_started")

    app.post("start/")
    eventually(app.says_settled)
    _assert_seen(app, stack, "on_live")

    assert simulator.join("evening", "amy")["joined"]
    spoken = simulator.speak("evening", "amy", "Hello from the first row")
    assert spoken["delivered"]
    [message] = eventually(lambda: app.get("messages/?account=amy")["results"], seconds=5, what="the message")
    assert (message["text"], message["seq"]) == ("Hello from the first row", spoken["seq"])
    [member] = eventually(lambda: app.get("members/?is_present=true")["results"], seconds=5)
    assert member["account"] == "amy"
    assert app.get()["online_count"] == 1

    app.post("notice/", notification="Half time")
    eventually(app.says_settled)
    assert simulator.group("evening")["profile"]["notification"] == "Half time"
    assert any("Half time" in str(shown) for shown in simulator.messages("evening"))

    app.post("mute-all/", is_mute_all=True)
    eventually(app.says_settled)
    assert simulator.group("evening")["profile"]["mute_all"] is True
    refused = simulator.speak("evening", "amy", "Anybody?")
    assert not refused["delivered"]
    assert refused["code"] == 10017
    app.post("mute-all/", is_mute_all=False)
    eventually(app.says_settled)
    assert simulator.speak("evening", "amy", "At last")["delivered"]

    for step, status in (("pause/", "paused"), ("resume/", "on_live"), ("end/", "ended")):
        app.post(step)
        eventually(app.says_settled)
        _assert_seen(app, stack, status)

    refusal = app.post("start/", 409)
    assert refusal["code"] == "wrong_status"
    app.post("replay/", replay_url=REPLAY)
    eventually(app.says_settled)
    _assert_seen(app, stack, "played_back")
    assert app.get()["replay_url"] == REPLAY
    assert simulator.group("evening")["attributes"]["replay_url"] == REPLAY
    eventually(lambda: _statuses(app) == ["played_back", "ended", "on_live", "paused", "on_live"], what="the echoes")


def _assert_seen(app: App, stack: Stack, status: str) -> None:
    """The same status for the app, for a newcomer who reads the profile, and in the attributes."""
    group = stack.simulator.group("evening")

    assert app.get()["status"] == status
    assert group["profile"]["custom"]["room_status"] == status
    assert group["attributes"]["room_status"] == status


def _statuses(app: App) -> list[str]:
    """What those inside were told, newest first."""
    return [message["text"] for message in app.get("messages/?kind=status")["results"]]
