"""What outlives a restart of the simulator."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from rooms.chat.simulator.settings import Settings
from rooms.chat.simulator.snapshot import SKIPPED_NUMBERS
from tests.rooms.simulator_stage import stage


def test_rooms_outlive_a_restart_and_viewers_do_not(tmp_path: Path) -> None:
    file = tmp_path / "state" / "simulator.json"
    with stage(state_file=file) as first:
        first.room(Notification="read me", AppDefinedData=[{"Key": "room_status", "Value": "on_live"}])
        first.group("modify_group_attr", GroupId="room_1", GroupAttr=[{"key": "room_status", "value": "on_live"}])
        first.join("viewer_1")
        first.speak("viewer_1", "hello")
        first.group("ban_group_member", GroupId="room_1", Members_Account=["viewer_2"], Duration=600)
        first.group("forbid_send_msg", GroupId="room_1", Members_Account=["viewer_1"], MuteTime=600)
        before = first.shown()
    with stage(Settings(presence_batch_seconds=0.0), state_file=file) as second:
        after = second.shown()
        assert after["members"] == []
        for name in ("profile", "attributes", "muted", "banned", "messages"):
            assert after[name] == before[name]
        assert second.join("viewer_2")["joined"] is False
        assert second.send(Random=9)["MsgSeq"] == 2
        assert second.code("im_open_login_svc/account_import", {"UserID": "anchor_1"}) == 0


def test_a_killed_simulator_uses_no_number_twice(tmp_path: Path) -> None:
    file = tmp_path / "simulator.json"
    with stage(state_file=file) as first:
        first.room()
        first.join("viewer_1")
        first.speak("viewer_1", "the last that was saved")
    # What the file says between two saves, and so when a kill strikes.
    file.write_bytes(orjson.dumps({**orjson.loads(file.read_bytes()), "is_final": False}))
    with stage(state_file=file) as second:
        assert second.send(Random=9)["MsgSeq"] == 1 + SKIPPED_NUMBERS + 1


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"version":2}', b'{"version":1,"accounts":[{}],"groups":[]}'])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "simulator.json"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"file|JSON|empty|line"), stage(state_file=file):
        pass
    assert file.read_bytes() == content
