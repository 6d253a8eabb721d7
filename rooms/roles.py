"""The roles an installation starts with. Created once; afterwards their permissions belong to whoever edits them."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

from rooms.access import ROLES


def ensure_roles(**kwargs: Any) -> None:
    """Create the roles that are missing; runs after migrations, when all permissions exist. Harmless to repeat."""
    existing = set(Group.objects.filter(name__in=ROLES).values_list("name", flat=True))
    for name, permissions in ROLES.items():
        wanted = _permissions(permissions)
        if name in existing or len(wanted) < len(permissions):
            continue
        Group.objects.create(name=name).permissions.set(wanted)


def _permissions(names: frozenset[str]) -> list[Permission]:
    if not names:
        return []
    matches = Q()
    for name in names:
        app_label, _, codename = name.partition(".")
        matches |= Q(content_type__app_label=app_label, codename=codename)
    return list(Permission.objects.filter(matches))
