"""Django's admin: accounts and keys are managed here, rooms only looked at and steered through the services.

What services own (status, notice, mute-all, the outbox, the audit) is read-only: no form here can bypass them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework_api_key.admin import APIKeyModelAdmin
from rest_framework_api_key.models import APIKey

from rooms import outbox
from rooms.access import may
from rooms.actors import Actor
from rooms.errors import RoomsError
from rooms.models import (
    ApiKey,
    AuditEntry,
    BusinessApp,
    Notice,
    OutboxCommand,
    Room,
    User,
    Viewer,
    WebhookDelivery,
)
from rooms.services.control import set_mute_all
from rooms.services.lifecycle import edit_room, end_room, pause_room, resume_room, start_room

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:  # which cannot be subscripted at run time
    ModelAdmin = admin.ModelAdmin

# The package brings a kind of key without app and scopes; ours is the only one.
admin.site.unregister(APIKey)


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]  # cannot be subscripted at run time
    """Whoever may keep accounts hands out roles, but never more than they have: superusers are beyond them."""

    list_display = ("username", "display_name", "account", "is_active", "is_staff")
    search_fields = ("username", "first_name", "last_name", "account", "email")
    fieldsets = (*(DjangoUserAdmin.fieldsets or ()), (gettext_lazy("Chat"), {"fields": ("account",)}))
    add_fieldsets = (*DjangoUserAdmin.add_fieldsets, (gettext_lazy("Chat"), {"fields": ("account",)}))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if _is_superuser(request.user) else (*fields, "is_superuser", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_beyond(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_beyond(request, obj)


def _is_superuser(user: object) -> bool:
    return isinstance(user, User) and user.is_superuser


def _is_beyond(request: HttpRequest, obj: Model | None) -> bool:
    return _is_superuser(obj) and not _is_superuser(request.user)


class ReadOnlyAdmin(ModelAdmin):
    """Everything can be looked at and nothing changed; without COUNT, because these tables are long."""

    actions: Any = ()
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def room_action(
    name: str, label: Promise, step: Callable[..., Room], **details: Any
) -> Callable[["RoomAdmin", HttpRequest, QuerySet[Room]], None]:
    """An admin action that takes the step for each chosen room, through the service, and says what was refused."""

    def action(model_admin: "RoomAdmin", request: HttpRequest, rooms: QuerySet[Room]) -> None:
        assert isinstance(request.user, User)
        done = 0
        for room in rooms.select_related("anchor"):
            if not may(request.user, "rooms.operate_room", room):
                continue
            try:
                step(room, actor=Actor.of_user(request.user), **details)
                done += 1
            except RoomsError as refusal:
                model_admin.message_user(request, f"{room}: {refusal.sentence}", messages.ERROR)
        model_admin.message_user(request, _("Rooms changed: %(count)d") % {"count": done})

    action.__name__ = name
    described: Any = action
    described.short_description = label
    described.allowed_permissions = ("operate",)
    return action


@admin.register(Room)
class RoomAdmin(ModelAdmin):
    """Title, cover and time can be edited, by the service; rooms are created on the console's own page."""

    list_display = ("title", "status", "anchor", "group_id", "online_count", "is_mute_all", "scheduled_at")
    list_filter = ("status", "is_mute_all")
    list_select_related = ("anchor",)
    search_fields = ("title", "group_id", "anchor__username", "anchor__account")
    show_full_result_count = False
    editable = ("title", "cover_url", "scheduled_at")
    actions = (
        room_action("start_rooms", gettext_lazy("Start the chosen rooms"), start_room),
        room_action("pause_rooms", gettext_lazy("Pause the chosen rooms"), pause_room),
        room_action("resume_rooms", gettext_lazy("Resume the chosen rooms"), resume_room),
        room_action("end_rooms", gettext_lazy("End the chosen rooms for good"), end_room),
        room_action("mute_rooms", gettext_lazy("Mute everyone in the chosen rooms"), set_mute_all, is_muted=True),
        room_action(
            "unmute_rooms", gettext_lazy("Let everyone speak in the chosen rooms"), set_mute_all, is_muted=False
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Room | None = None) -> list[str]:
        return [field.name for field in Room._meta.fields if field.name not in self.editable]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Room | None = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rooms.operate_room")

    def save_model(self, request: HttpRequest, obj: Room, form: Any, change: bool) -> None:
        assert isinstance(request.user, User)
        before = Room.objects.get(pk=obj.pk)
        try:
            edit_room(
                before,
                actor=Actor.of_user(request.user),
                title=obj.title,
                cover_url=obj.cover_url,
                scheduled_at=obj.scheduled_at,
            )
        except RoomsError as refusal:
            self.message_user(request, str(refusal.sentence), messages.ERROR)


@admin.register(BusinessApp)
class BusinessAppAdmin(ModelAdmin):
    list_display = ("name", "created_at")
    search_fields = ("name",)


@admin.register(ApiKey)
class ApiKeyAdmin(APIKeyModelAdmin):
    """A new key is shown once, in the message after saving; only its hash is kept."""

    list_display: Any = ("prefix", "name", "app", "scopes", "created", "expiry_date", "revoked")
    list_filter: ClassVar[Any] = ("app", "revoked")
    list_select_related = ("app",)


@admin.register(OutboxCommand)
class OutboxCommandAdmin(ReadOnlyAdmin):
    list_display = ("id", "call", "room", "state", "attempt_count", "error_code", "actor_name", "created_at")
    list_filter = ("state", "call")
    list_select_related = ("room",)
    actions = ("retry_commands",)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rooms.retry_outboxcommand")

    @admin.action(description=gettext_lazy("Try the chosen failed commands again"), permissions=["retry"])
    def retry_commands(self, request: HttpRequest, commands: QuerySet[OutboxCommand]) -> None:
        assert isinstance(request.user, User)
        for command in commands:
            try:
                outbox.retry(command, actor=Actor.of_user(request.user))
            except RoomsError as refusal:
                self.message_user(request, f"{command}: {refusal.sentence}", messages.ERROR)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = ("id", "command", "group_id", "state", "decision", "event_at", "received_at")
    list_filter = ("state", "command")
    search_fields = ("=group_id", "=dedupe_key")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "verb", "room", "actor_kind", "actor_name")
    list_filter = ("verb", "actor_kind")
    list_select_related = ("room",)


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "room", "actor_name", "notification")
    list_select_related = ("room",)


@admin.register(Viewer)
class ViewerAdmin(ReadOnlyAdmin):
    list_display = ("account", "nick", "is_online", "first_seen_at")
    search_fields = ("account", "nick")
