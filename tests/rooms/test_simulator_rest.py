"""The REST side of the simulator: URL and UserSig checks, groups, attributes, members, limits and codes."""

from __future__ import annotations

from collections.abc import Iterator

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


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (f"{GROUP}/get_group_info", b"", 60003),
        (f"{GROUP}/get_group_info", b"[]", 60003),
        (f"{GROUP}/get_group_info", b"\xff\xfe{}", 60003),
        (f"{GROUP}/get_group_info", b"[" * 200_000, 60003),
        (f"{GROUP}/get_group_info", b'{"a":' * 3000 + b"1" + b"}" * 3000, 60003),
        (f"{GROUP}/get_group_info", b'{"GroupIdList":["\\ud800"]}', 60003),
        (f"{GROUP}/get_group_info", b" " * 300_000, 60002),
        (f"{GROUP}/send_group_msg", b" " * 300_000, 80002),
        (f"{GROUP}/no_such_command", {}, 60009),
        ("no_such_service/no_such_command", {}, 60009),
        ("im_open_login_svc/create_group", {}, 60008),
        (f"{GROUP}", {}, 60009),
        (f"{GROUP}/get_group_info/more", {}, 60009),
        (f"{LOGIN}/account_import", {"UserID": 5}, 70402),
        (f"{LOGIN}/account_import", {"UserID": "x" * 33}, 70402),
        (f"{LOGIN}/account_import", {"UserID": "é"}, 70402),
        (f"{LOGIN}/account_import", {"UserID": "a", "Nick": "n" * 501}, 40601),
        (f"{LOGIN}/account_import", {"UserID": "a", "Nick": ["n"]}, 70402),
        (f"{LOGIN}/account_import", {"Identifier": "older_spelling"}, 0),
        (f"{LOGIN}/multiaccount_import", {"Accounts": ["x"] * 101}, 70402),
        (f"{LOGIN}/account_check", {"CheckItem": [1]}, 70402),
        ("profile/portrait_set", {"From_Account": "nobody", "ProfileItem": []}, 40003),
        ("profile/portrait_get", {"To_Account": "a", "TagList": []}, 40001),
    ],
)
def test_a_bad_body_gets_the_service_s_own_code(chat: Stage, path: str, body: object, code: int) -> None:
    reply = chat.rest(path, body)
    assert reply["ErrorCode"] == code
    assert reply["ActionStatus"] == ("OK" if code == 0 else "FAIL")


def test_accounts_are_imported_checked_and_profiled(chat: Stage) -> None:
    people = [{"UserID": "a", "Nick": "Ann"}, {"UserID": ""}, {"UserID": "b"}]
    assert chat.rest(f"{LOGIN}/multiaccount_import", {"AccountList": people})["FailAccounts"] == [""]
    checked = chat.rest(f"{LOGIN}/account_check", {"CheckItem": [{"UserID": "a"}, {"UserID": "z"}]})["ResultItem"]
    assert [item["AccountStatus"] for item in checked] == ["Imported", "NotImported"]
    profile = [{"Tag": "Tag_Profile_IM_Nick", "Value": "Anna"}, {"Tag": "Tag_Profile_Custom_Team", "Value": "red"}]
    assert chat.code("profile/portrait_set", {"From_Account": "a", "ProfileItem": profile}) == 0
    tags = ["Tag_Profile_IM_Nick", "Tag_Profile_Custom_Team"]
    found = chat.rest("profile/portrait_get", {"To_Account": ["a", "z"], "TagList": tags})
    assert found["UserProfileItem"][0]["ProfileItem"] == profile
    assert found["Fail_Account"] == ["z"]
    for item, code in (
        ({"Tag": "Tag_Profile_IM_Nick", "Value": 1}, 40610),
        ({"Tag": "Tag_Profile_IM_Nick", "Value": "n" * 501}, 40601),
        ({"Tag": "Tag_Profile_IM_Gender", "Value": "x"}, 40605),
        ({"Tag": "Tag_Profile_Nothing", "Value": "x"}, 40009),
    ):
        assert chat.code("profile/portrait_set", {"From_Account": "a", "ProfileItem": [item]}) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Type": "Nothing"}, 10004),
        ({"Type": None}, 10004),
        ({"Name": ""}, 10004),
        ({"Name": "夜" * 11}, 10004),
        ({"Name": "夜" * 10}, 0),
        ({"Introduction": "i" * 241}, 10004),
        ({"Notification": "n" * 301}, 10004),
        ({"FaceUrl": "f" * 101}, 10004),
        ({"Owner_Account": "nobody"}, 10019),
        ({"MemberList": [{"Member_Account": "a"}]}, 10007),
        ({"GroupId": "@TGS#mine"}, 10015),
        ({"GroupId": "g" * 49}, 10015),
        ({"GroupId": "room_1"}, 10025),
        ({"GroupId": "room_1", "Owner_Account": "administrator"}, 10021),
        ({"AppDefinedData": [{"Key": "undeclared", "Value": "x"}]}, 10004),
        ({"AppDefinedData": [{"Key": "room_status", "Value": "x" * 513}]}, 10004),
    ],
)
def test_creating_a_group_keeps_the_limits(chat: Stage, changes: dict, code: int) -> None:
    chat.room()
    body = {"Type": "AVChatRoom", "Name": "n", "Owner_Account": "anchor_1", **changes}
    reply = chat.group("create_group", **{key: value for key, value in body.items() if value is not None})
    assert reply["ErrorCode"] == code
    if not code:
        assert reply["GroupId"].startswith("@TGS#a")


def test_editing_changes_only_what_is_given(chat: Stage) -> None:
    chat.room(Introduction="old", Notification="old")
    data = [{"Key": "room_status", "Value": "on_live"}]
    assert (
        chat.group(
            "modify_group_base_info", GroupId="room_1", Notification="new", MuteAllMember="On", AppDefinedData=data
        )["ErrorCode"]
        == 0
    )
    info = chat.group("get_group_info", GroupIdList=["room_1"])["GroupInfo"][0]
    assert (info["Introduction"], info["Notification"], info["MuteAllMember"]) == ("old", "new", "On")
    assert info["AppDefinedData"] == data
    data = [{"Key": "room_status", "Value": ""}]
    assert chat.group("modify_group_base_info", GroupId="room_1", AppDefinedData=data)["ErrorCode"] == 0
    chosen = {"GroupBaseInfoFilter": ["Name"], "AppDefinedDataFilter_Group": ["room_status"]}
    info = chat.group("get_group_info", GroupIdList=["room_1"], ResponseFilter=chosen)["GroupInfo"][0]
    assert info == {"GroupId": "room_1", "ErrorCode": 0, "ErrorInfo": "", "Name": "Evening songs", "AppDefinedData": []}
    assert chat.group("modify_group_base_info", GroupId="room_1", MuteAllMember="on")["ErrorCode"] == 10004
    assert chat.group("modify_group_base_info", GroupId="room_1", From_Account="nobody")["ErrorCode"] == 10004


def attributes(count: int, size: int = 1) -> list[dict]:
    return [{"key": f"k{number}", "value": "v" * size} for number in range(count)]


def test_attributes_keep_their_limits(chat: Stage) -> None:
    chat.room()
    chat.sim("POST", "clock", {"speed": 0})

    def write(command: str, items: object) -> int:
        chat.sim("POST", "clock", {"advance": 1})
        return chat.group(command, GroupId="room_1", **({} if items is None else {"GroupAttr": items}))["ErrorCode"]

    def read() -> dict:
        found = chat.rest("group_open_attr_http_svc/get_group_attr", {"GroupId": "room_1"})["GroupAttrAry"]
        return {item["key"]: item["value"] for item in found}

    assert write("modify_group_attr", attributes(2)) == 0
    assert write("modify_group_attr", [{"key": "k1", "value": "new"}]) == 0
    assert read() == {"k0": "v", "k1": "new"}
    assert write("set_group_attr", [{"key": "only", "value": "this"}]) == 0
    assert read() == {"only": "this"}
    assert write("delete_group_attr", [{"key": "missing"}]) == 10050
    assert write("delete_group_attr", [{"key": "only"}]) == 0
    assert write("set_group_attr", attributes(16)) == 0
    assert write("modify_group_attr", [{"key": "one_more", "value": ""}]) == 10047
    assert write("set_group_attr", attributes(4, 4000)) == 0
    assert write("modify_group_attr", [{"key": "x", "value": "v"}]) == 10048
    assert write("set_group_attr", attributes(1, 4001)) == 10046
    assert write("set_group_attr", [{"key": "k" * 33, "value": ""}]) == 10045
    assert write("set_group_attr", [{"key": "k", "value": 1}]) == 10004
    assert write("clear_group_attr", None) == 0
    assert read() == {}
    codes = [chat.group("clear_group_attr", GroupId="room_1")["ErrorCode"] for _ in range(5)]
    assert codes == [0, 0, 0, 0, 10049]


def test_counters_count(chat: Stage) -> None:
    chat.room()

    def update(mode: str | None, key: str, value: object) -> dict:
        extra = {"Mode": mode} if mode else {}
        return chat.group(
            "update_group_counter", GroupId="room_1", GroupCounter=[{"Key": key, "Value": value}], **extra
        )

    assert update("Increase", "likes", 3)["GroupCounter"] == [{"Key": "likes", "Value": 3}]
    assert update("Decrease", "likes", 5)["GroupCounter"] == [{"Key": "likes", "Value": -2}]
    assert update(None, "likes", 9)["GroupCounter"] == [{"Key": "likes", "Value": 9}]
    assert update("Double", "likes", 1)["ErrorCode"] == 10004
    assert update("Set", "likes", 2**63)["ErrorCode"] == 10004
    assert update("Set", "k" * 129, 1)["ErrorCode"] == 10004
    many = [{"Key": f"c{number}", "Value": 1} for number in range(20)]
    assert chat.group("update_group_counter", GroupId="room_1", GroupCounter=many)["ErrorCode"] == 10063
    assert chat.group("delete_group_counter", GroupId="room_1")["ErrorCode"] == 0
    assert chat.group("get_group_counter", GroupId="room_1")["GroupCounter"] == []
    chat.set(has_counters=False)
    assert chat.group("get_group_counter", GroupId="room_1")["ErrorCode"] == 10059


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Random": None}, 10004),
        ({"Random": -1}, 10004),
        ({"Random": 2**32}, 10004),
        ({"Random": "7"}, 10004),
        ({"MsgPriority": "high"}, 10004),
        ({"From_Account": "nobody"}, 10004),
        ({"From_Account": "anchor_1"}, 0),
        ({"MsgBody": []}, 10004),
        ({"MsgBody": "text"}, 10004),
        ({"MsgBody": [{"MsgType": "TIMTextElem"}]}, 10004),
        ({"MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": 1}}]}, 10004),
        ({"MsgBody": [{"MsgType": "Odd", "MsgContent": {}}]}, 10004),
        ({"MsgBody": [{"MsgType": "TIMCustomElem", "MsgContent": {"Data": "1"}}] * 2}, 10004),
        ({"MsgBody": text_body("x" * 12_300)}, 80002),
        ({"MsgBody": text_body("x" * 12_000), "CloudCustomData": "y" * 300}, 80002),
        ({"MsgBody": text_body("x" * 12_000)}, 0),
        ({"To_Account": ["anchor_1"]}, 10004),
        ({"GroupAtInfo": [{"GroupAtAllFlag": 1}] * 31}, 10053),
        ({"OnlineOnlyFlag": 1, "SendMsgControl": ["NoLastMsg"]}, 10004),
        ({"ForbidCallbackControl": ["Everything"]}, 10004),
        ({"GroupId": "nowhere"}, 10010),
        ({"GroupId": 5}, 10015),
        ({"GroupId": None}, 10015),
    ],
)
def test_a_message_is_checked(chat: Stage, changes: dict, code: int) -> None:
    chat.room()
    body = {"GroupId": "room_1", "Random": 1, "MsgBody": text_body("hi"), **changes}
    assert chat.group("send_group_msg", **{k: v for k, v in body.items() if v is not None})["ErrorCode"] == code


def test_a_repeat_within_five_minutes_is_answered_with_the_first(chat: Stage) -> None:
    chat.room()
    first = chat.send(Random=99)
    assert chat.send(Random=99, text="other words") == first
    assert chat.send(Random=99, From_Account="anchor_1")["MsgSeq"] == 2
    chat.sim("POST", "clock", {"advance": 301})
    assert chat.send(Random=99)["MsgSeq"] == 3
    assert len(chat.shown()["messages"]) == 3


def test_mutes_hold_until_their_time(chat: Stage) -> None:
    chat.room()
    chat.rest(f"{LOGIN}/multiaccount_import", {"Accounts": ["viewer_1", "viewer_2"]})

    def mute(seconds: int, *accounts: str, name: str = "MuteTime") -> int:
        body = {"GroupId": "room_1", "Members_Account": list(accounts), name: seconds}
        return chat.group("forbid_send_msg", **body)["ErrorCode"]

    assert mute(60, "viewer_1") == 0
    assert mute(2**32 - 1, "viewer_2", name="ShutUpTime") == 0
    assert chat.send(From_Account="viewer_1")["ErrorCode"] == 10017
    muted = chat.group("get_group_muted_account", GroupId="room_1")["MutedAccountList"]
    assert muted[1] == {"Member_Account": "viewer_2", "MutedUntil": 2**32 - 1}
    chat.sim("POST", "clock", {"advance": 61})
    assert chat.send(From_Account="viewer_1")["ErrorCode"] == 0
    assert chat.send(From_Account="viewer_2")["ErrorCode"] == 10017
    assert mute(0, "viewer_2") == 0
    assert chat.group("get_group_shutted_uin", GroupId="room_1")["ShuttedUinList"] == []
    assert mute(1, *[f"v{number}" for number in range(501)]) == 10005


def test_mute_all_leaves_the_owner_and_the_administrator_their_voice(chat: Stage) -> None:
    chat.room()
    chat.join("viewer_1")
    chat.group("modify_group_base_info", GroupId="room_1", MuteAllMember="On")
    assert chat.speak("viewer_1")["code"] == 10017
    assert chat.send(Random=1)["ErrorCode"] == 0
    assert chat.send(Random=2, From_Account="anchor_1")["ErrorCode"] == 0


def test_a_ban_removes_and_keeps_out(chat: Stage) -> None:
    chat.room()
    chat.join("viewer_1")
    chat.join("viewer_2")
    body = {"GroupId": "room_1", "Members_Account": ["viewer_1"], "Duration": 60}
    assert chat.group("ban_group_member", **body)["ErrorCode"] == 0
    assert chat.group("get_online_member_num", GroupId="room_1")["OnlineMemberNum"] == 1
    assert chat.join("viewer_1") == {"joined": False, "code": 10007, "info": "the account is banned from this room"}
    assert chat.speak("viewer_1")["code"] == 10007
    listed = chat.group("get_group_ban_member", GroupId="room_1", Offset=0)
    assert [one["Member_Account"] for one in listed["BannedAccountList"]] == ["viewer_1"]
    assert listed["NextOffset"] == 0
    chat.sim("POST", "clock", {"advance": 61})
    assert chat.join("viewer_1")["joined"] is True
    assert chat.group("ban_group_member", **{**body, "Duration": 2**32 - 1})["ErrorCode"] == 0
    del body["Duration"]
    assert chat.group("unban_group_member", **body)["ErrorCode"] == 0
    assert chat.join("viewer_1")["joined"] is True
    assert chat.group("ban_group_member", **body)["ErrorCode"] == 10004
    many = [f"v{number}" for number in range(21)]
    assert chat.group("ban_group_member", **{**body, "Members_Account": many, "Duration": 1})["ErrorCode"] == 10005
    chat.set(has_bans=False)
    assert chat.group("ban_group_member", **body, Duration=1)["ErrorCode"] == 10007


def test_the_online_list_is_paged_and_newest_first(chat: Stage) -> None:
    chat.room()
    for number in range(502):
        chat.join(f"v{number}")
    path = "group_open_avchatroom_http_svc/get_members"
    first = chat.rest(path, {"GroupId": "room_1", "Timestamp": 0})
    assert len(first["MemberList"]) == 500
    assert first["MemberList"][0]["Member_Account"] == "v501"
    second = chat.rest(path, {"GroupId": "room_1", "Timestamp": first["NextTimestamp"]})
    assert [one["Member_Account"] for one in second["MemberList"]] == ["v1", "v0"]
    assert second["NextTimestamp"] == 0
    chat.set(has_member_list=False)
    assert len(chat.rest(path, {"GroupId": "room_1", "Timestamp": 0})["MemberList"]) == 30


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("add_group_member", 10007),
        ("change_group_owner", 10007),
        ("get_role_in_group", 10007),
        ("delete_group_member", 10004),
        ("group_msg_get_simple", 10044),
        ("delete_group_msg_by_sender", 0),
    ],
)
def test_a_live_room_refuses_what_it_cannot_do(chat: Stage, command: str, code: int) -> None:
    chat.room()
    assert chat.group(command, GroupId="room_1")["ErrorCode"] == code


def test_each_interface_has_its_own_rate(chat: Stage) -> None:
    chat.sim("POST", "clock", {"speed": 0})
    chat.set(rest_rate_limit=3)
    codes = [chat.group("get_group_info", GroupIdList=["x"])["ErrorCode"] for _ in range(5)]
    assert codes == [0, 0, 0, 60007, 60007]
    assert chat.code(f"{LOGIN}/account_import", {"UserID": "a"}) == 0
    assert [chat.group("get_appid_group_list")["ErrorCode"] for _ in range(2)] == [0, 10006]
    chat.sim("POST", "clock", {"advance": 1.1})
    assert chat.group("get_group_info", GroupIdList=["x"])["ErrorCode"] == 0


def test_too_many_wrong_signatures_lock_the_identifier_when_set(chat: Stage) -> None:
    chat.set(failed_signatures_before_lock=2)
    codes = [chat.code(f"{GROUP}/get_group_info", {}, usersig="bad") for _ in range(3)]
    assert codes == [70003, 70003, 70050]
    chat.set(failed_signatures_before_lock=0)
    assert chat.group("get_group_info", GroupIdList=["x"])["ErrorCode"] == 0


def test_a_strict_url_is_a_setting(chat: Stage) -> None:
    assert chat.code(f"{LOGIN}/account_import", {"UserID": "a"}, random=None) == 0
    chat.set(strict_query=True)
    assert chat.code(f"{LOGIN}/account_import", {"UserID": "a"}, random=None) == 60002
    assert chat.code(f"{LOGIN}/account_import", {"UserID": "a"}, random=2**32) == 60002
    assert chat.code(f"{LOGIN}/account_import", {"UserID": "a"}, contenttype=None) == 60002
    assert chat.code(f"{LOGIN}/account_import", {"UserID": "a"}) == 0
