import json

import pytest

from rooms.actors import Actor
from rooms.errors import ChangedMeanwhile, InvalidInput
from rooms.models import AuditEntry, Notice, OutboxCommand, Room, User
from rooms.services.notices import check_introduction, check_notification, read_notice, set_notice
from tests.factories import make_room

PICTURES = {"text": "Tonight", "images": ["https://example.com/1.png"]}


@pytest.mark.django_db
def test_a_notice_is_kept_audited_and_told_in_profile_and_message(operator: User) -> None:
    room = make_room()

    set_notice(room, actor=Actor.of_user(operator), notification=" 今晚八点 ", introduction="Songs")

    assert (room.notification, room.introduction, room.version) == ("今晚八点", "Songs", 2)
    assert Notice.objects.get(room=room).actor_user == operator
    assert AuditEntry.objects.get(room=room).changes["notification"] == ["", "今晚八点"]
    profile, message = room.outbox_commands.order_by("pk")
    assert (profile.call, message.call) == ("modify_group_base_info", "send_group_msg")
    assert profile.payload["notification"] == "今晚八点"
    assert message.payload["priority"] == "High"
    assert profile.lane == message.lane != ""


@pytest.mark.django_db
def test_only_what_is_given_changes() -> None:
    room = make_room(introduction="Stays", notification="Goes")

    set_notice(room, actor=Actor.of_system("tests"), notification="")

    assert (room.introduction, room.notification) == ("Stays", "")


@pytest.mark.django_db
def test_the_same_notice_again_changes_nothing() -> None:
    room = make_room(notification="Same")

    set_notice(room, actor=Actor.of_system("tests"), notification="Same")

    assert room.version == 1
    assert not OutboxCommand.objects.exists()


@pytest.mark.django_db
def test_of_two_editors_the_second_is_told_and_overwrites_nothing() -> None:
    room = make_room()
    set_notice(Room.objects.get(pk=room.pk), actor=Actor.of_system("a"), notification="Theirs", expected_version=1)

    with pytest.raises(ChangedMeanwhile):
        set_notice(room, actor=Actor.of_system("b"), notification="Mine", expected_version=1)

    assert Room.objects.get(pk=room.pk).notification == "Theirs"
    assert Notice.objects.count() == 1


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (check_introduction, "x" * 240),
        (check_introduction, "好" * 80),
        (check_notification, "x" * 300),
        (check_notification, "好" * 100),
        (check_notification, "🎉" * 75),
        (check_notification, ""),
        (check_notification, "1 < 2 and 3 > 2, I <3 you"),
        (check_notification, json.dumps(PICTURES)),
        (check_notification, '{"text":"no pictures"}'),
    ],
)
def test_what_fits_is_accepted(check: object, text: str) -> None:
    assert callable(check)
    check(text)


@pytest.mark.parametrize(
    ("check", "text", "reason"),
    [
        (check_introduction, "x" * 241, "241 bytes"),
        (check_introduction, "好" * 81, "243 bytes"),
        (check_notification, "x" * 301, "301 bytes"),
        (check_notification, "🎉" * 76, "304 bytes"),
        (check_notification, "<b>bold</b>", "HTML"),
        (check_notification, "line<br>", "HTML"),
        (check_notification, "<SCRIPT>", "HTML"),
        (check_notification, "</p>", "HTML"),
        (check_notification, "<!-- x -->", "HTML"),
        (check_notification, "<!DOCTYPE html>", "HTML"),
        (check_notification, "{not json", "JSON"),
        (check_notification, '{"text":"a","html":"b"}', "JSON"),
        (check_notification, '{"text":5}', "string"),
        (check_notification, '{"images":"https://example.com"}', "list"),
        (check_notification, '{"images":["http://example.com/1.png"]}', "https"),
        (check_notification, '{"images":["javascript:alert(1)"]}', "https"),
        (check_notification, '{"images":[5]}', "https"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(check: object, text: str, reason: str) -> None:
    assert callable(check)
    with pytest.raises(InvalidInput) as refusal:
        check(text)

    assert reason in str(refusal.value.sentence)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", ("plain", [])),
        (json.dumps(PICTURES), ("Tonight", ["https://example.com/1.png"])),
        ("{broken", ("{broken", [])),
        ('{"images":"x"}', ("", [])),
        ("[1]", ("[1]", [])),
    ],
)
def test_a_notice_reads_as_clients_show_it(text: str, shown: tuple[str, list[str]]) -> None:
    assert read_notice(text) == shown
