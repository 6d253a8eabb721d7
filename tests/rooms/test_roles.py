import pytest
from django.contrib.auth.models import Group

from rooms.access import ROLES
from rooms.roles import ensure_roles


@pytest.mark.django_db
def test_an_installation_starts_with_every_role_and_its_permissions() -> None:
    for name, wanted in ROLES.items():
        permissions = Group.objects.get(name=name).permissions.values_list("content_type__app_label", "codename")
        assert {f"{app}.{codename}" for app, codename in permissions} == wanted


@pytest.mark.django_db
def test_a_role_that_was_edited_stays_as_it_is() -> None:
    analyst = Group.objects.get(name="analyst")
    analyst.permissions.clear()

    ensure_roles()

    assert not analyst.permissions.exists()
    assert Group.objects.count() == len(ROLES)


@pytest.mark.django_db
def test_a_role_that_is_missing_comes_back() -> None:
    Group.objects.get(name="moderator").delete()

    ensure_roles()
    ensure_roles()

    assert Group.objects.get(name="moderator").permissions.count() == len(ROLES["moderator"])
