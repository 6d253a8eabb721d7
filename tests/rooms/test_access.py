import pytest
from django.contrib.auth.models import AnonymousUser, Permission

from rooms.access import ANCHOR_PERMISSIONS, ROLES, grant_for, may, permissions_of_scopes, visible_rooms
from rooms.models import ApiKey, Room, User
from tests.factories import make_room, make_user

pytestmark = pytest.mark.django_db


def _titles(user: User) -> list[str]:
    return sorted(visible_rooms(user).values_list("title", flat=True))


def test_staff_see_every_room_and_anchors_their_own(
    operator: User, finance: User, anchor: User, other_anchor: User, nobody: User
) -> None:
    make_room(title="one", anchor=anchor)
    make_room(title="two", anchor=other_anchor)

    assert _titles(operator) == _titles(finance) == ["one", "two"]
    assert _titles(anchor) == ["one"]
    assert _titles(other_anchor) == ["two"]
    assert _titles(nobody) == []
    assert list(visible_rooms(AnonymousUser())) == []


def test_an_anchor_runs_the_own_room_and_no_other(anchor: User, other_anchor: User) -> None:
    room = make_room(anchor=anchor)

    assert grant_for(anchor, room).permissions == ANCHOR_PERMISSIONS
    assert grant_for(other_anchor, room).permissions == frozenset()
    assert not may(anchor, "rooms.operate_room")
    assert not may(anchor, "rooms.add_room", room)
    assert not may(anchor, "rooms.delete_room", room)


@pytest.mark.parametrize("role", [role for role in ROLES if role != "anchor"])
def test_a_role_grants_what_it_lists_in_every_room(role: str, anchor: User) -> None:
    room = make_room(anchor=anchor)

    assert grant_for(make_user(role), room).permissions == ROLES[role]


def test_an_anchor_who_is_an_operator_too_is_both(anchor: User, other_anchor: User, operator: User) -> None:
    operator.account = "operator_on_air"
    operator.save(update_fields=["account"])

    assert "rooms.add_room" in grant_for(operator, make_room(anchor=anchor))
    assert "rooms.operate_room" in grant_for(operator, make_room(anchor=operator))


def test_a_user_who_was_shut_out_sees_nothing(operator: User, anchor: User) -> None:
    room = make_room(anchor=anchor)
    operator.is_active = False

    assert list(visible_rooms(operator)) == []
    assert grant_for(operator, room).permissions == frozenset()


def test_scopes_open_existing_permissions_only() -> None:
    opened = permissions_of_scopes(list(ApiKey.Scope.values))
    existing = {
        f"{app}.{codename}" for app, codename in Permission.objects.values_list("content_type__app_label", "codename")
    }

    assert opened <= existing
    assert permissions_of_scopes([]) == frozenset()
    assert "rooms.view_message" not in permissions_of_scopes(["rooms:read", "rooms:write"])
    assert "rooms.operate_room" not in permissions_of_scopes(["rooms:read", "messages:read", "messages:write"])


def test_asking_for_the_visible_rooms_costs_one_query(operator: User, django_assert_num_queries: object) -> None:
    assert callable(django_assert_num_queries)
    make_room()
    make_room()
    operator.has_perm("rooms.view_room")

    with django_assert_num_queries(1):
        assert [room.anchor.display_name for room in visible_rooms(operator)]
    assert Room.objects.count() == 2
