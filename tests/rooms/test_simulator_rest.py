"""The REST side of the simulator: URL and UserSig checks, groups, attributes, members, limits and codes."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.rooms.simulator_stage import KEY, Stage, stage, text_body, usersig

GROUP = "group_open_http_svc"
LOGIN = "im_open_login_svc"
# Made in November 2023 for 180 days, with this key and application.
EXPIRED = (
    "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkElNyM-Myi0uKEkvyi2BKilOyEwsKMlOACgxNDCDAECqXWlGQWZQKkjE1NTUCSkDF"
    "SzJzwaLmUPUw8eLMdJA9IRUFbvomZVklKWFeUR4Wfu4Zhcbl5S6*3qUeqebOBsXmhXmFroGlKYURxbZKtQDV9zab"
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Stage]:
    with stage() as found:
        yield found


@pytest.fixture
def chat(shared: Stage) -> Iterator[Stage]:
    yield shared
    shared.reset()


def test_a_room_lives_from_creation_to_destruction(chat: Stage) -> None:
    chat.room(AppDefinedData=[{"Key": "room_status", "Value": "to_be_started"}])
    info = chat.group("get_group_info", GroupIdList=["room_1", "nowhere"])["GroupInfo"]
    assert info[0]["Name"] == "Evening songs"
    assert info[0]["Owner_Account"] == "anchor_1"
    assert info[0]["AppDefinedData"] == [{"Key": "room_status", "Value": "to_be_started"}]
    assert info[1]["ErrorCode"] == 10010
    assert chat.group("get_appid_group_list")["GroupIdList"] == [{"GroupId": "room_1"}]
    assert chat.group("destroy_group", GroupId="room_1")["ErrorCode"] == 0
    assert chat.group("destroy_group", GroupId="room_1")["ErrorCode"] == 10010


def test_a_message_reaches_the_room(chat: Stage) -> None:
    chat.room()
    reply = chat.send(MsgPriority="High")
    assert (reply["ActionStatus"], reply["MsgSeq"]) == ("OK", 1)
    assert chat.shown()["messages"][0]["body"] == text_body("hello")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sdkappid": None}, 60012),
        ({"sdkappid": 1400000002}, 60006),
        ({"sdkappid": "many"}, 60006),
        ({"identifier": None}, 60004),
        ({"usersig": None}, 70002),
        ({"usersig": "not-a-usersig"}, 70003),
        ({"usersig": "é"}, 70003),
        ({"usersig": usersig("administrator", key=KEY[::-1])}, 70009),
        ({"usersig": usersig("administrator", appid=1400000002)}, 70014),
        ({"usersig": usersig("somebody")}, 70013),
        ({"usersig": EXPIRED}, 70001),
        ({"identifier": "viewer_1", "usersig": usersig("viewer_1")}, 60010),
    ],
)
def test_a_wrong_caller_gets_the_published_code(chat: Stage, changes: dict, code: int) -> None:
    assert chat.code(f"{GROUP}/get_group_info", {"GroupIdList": ["room_1"]}, **changes) == code


def test_get_and_missing_content_type_are_served(chat: Stage) -> None:
    chat.room()
    response = chat.http.request(
        "GET", f"/v4/{GROUP}/get_group_info", params=chat.query(), content=b'{"GroupIdList":["room_1"]}'
    )
    assert response.json()["GroupInfo"][0]["ErrorCode"] == 0
    assert response.headers["access-control-allow-origin"] == "*"
    assert isinstance(response, httpx.Response)
