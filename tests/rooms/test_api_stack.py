"""A room's whole life by the API alone, with every process at work and a viewer inside."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from rooms.models import User
from tests.conftest import Stack
from tests.services import eventually


@pytest.fixture
def app(stack: Stack, api_key: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Api-Key {api_key}"}
    with httpx.Client(base_url=f"{stack.url}/api/v1", headers=headers, timeout=10) as client:
        yield client


def told(stack: Stack, group_id: str) -> list[tuple[str, Any]]:
    """What those inside were told: the command of each custom message, with its information."""
    elements = [message["body"][0] for message in stack.simulator.messages(group_id)]
    data = [
        json.loads(element["MsgContent"]["Data"])["data"] for element in elements if "Data" in element["MsgContent"]
    ]
    return [(command["cmd"], command["cmdInfo"]) for command in data]


def test_an_app_runs_a_room_and_its_viewers_follow(stack: Stack, app: httpx.Client, anchor: User) -> None:
    created = app.post(
        "/rooms/", json={"title": "茶会", "anchor": anchor.account}, headers={"Idempotency-Key": "friday"}
    )
    assert created.status_code == 201, created.text
    room, group_id = created.headers["Location"], created.json()["group_id"]
    eventually(lambda: stack.simulator.has_group(group_id), what="The group")
    stack.simulator.join(group_id, "mei")

    def commands(state: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = app.get(f"{room}commands/", params={"state": state}).json()["results"]
        return rows

    def step(name: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = app.post(f"{room}{name}/", json=body or {})
        assert answer.status_code == 200, answer.text
        eventually(lambda: not commands("pending") and not commands("sending"), what="The commands of this step")
        changed: dict[str, Any] = answer.json()
        return changed

    for name, status in [("start", "on_live"), ("pause", "paused"), ("resume", "on_live")]:
        assert step(name)["status"] == status
        assert told(stack, group_id)[-1][1]["status"] == status
    step("notice", {"notification": "Samples ship within a week."})
    assert told(stack, group_id)[-1] == (
        "room_notice",
        {"notification": "Samples ship within a week.", "introduction": "", "version": 5},
    )

    stack.simulator.speak(group_id, "mei", "Which one is the oolong?")
    messages = eventually(lambda: app.get(f"{room}messages/", params={"account": "mei"}).json()["results"])
    assert [message["text"] for message in messages] == ["Which one is the oolong?"]
    members = eventually(lambda: app.get(f"{room}members/", params={"is_present": "true"}).json()["results"])
    assert [member["account"] for member in members] == ["mei"]

    sent = app.post(f"{room}messages/", json={"text": "The third one."})
    command = eventually(
        lambda: (found := app.get(sent.headers["Location"]).json())["state"] == "applied" and found,
        what="The operator's message",
    )
    spoken = eventually(lambda: app.get(f"{room}messages/", params={"kind": "text"}).json()["results"][:1])
    assert (spoken[0]["text"], spoken[0]["seq"]) == ("The third one.", command["message_seq"])

    step("mute-all", {"is_mute_all": True})
    assert stack.simulator.speak(group_id, "mei", "Hello?")["delivered"] is False
    assert step("end")["status"] == "ended"
    assert step("replay", {"replay_url": "https://vod.example.com/1.m3u8"})["status"] == "played_back"
    assert told(stack, group_id)[-1][1]["replay_url"] == "https://vod.example.com/1.m3u8"
    assert app.get(room).json()["status"] == "played_back"
    assert stack.simulator.group(group_id)["attributes"]["room_status"] == "played_back"
    assert commands("failed") == []
