from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.models import AbstractAPIKey


class BusinessApp(models.Model):
    """A customer's own backend that works through the REST API."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("business app")
        verbose_name_plural = _("business apps")

    def __str__(self) -> str:
        return self.name


def validate_scopes(scopes: object) -> None:
    if not isinstance(scopes, list) or not set(scopes) <= set(ApiKey.Scope.values):
        raise ValidationError(_("Choose from: %(scopes)s."), params={"scopes": ", ".join(ApiKey.Scope.values)})


class ApiKey(AbstractAPIKey):
    """A hashed key of a business app, with the scopes it was given."""

    class Scope(models.TextChoices):
        ROOMS_READ = "rooms:read", _("Read rooms, members and outbox commands")
        ROOMS_WRITE = "rooms:write", _("Create rooms and change them")
        MESSAGES_READ = "messages:read", _("Read messages")
        MESSAGES_WRITE = "messages:write", _("Send messages into rooms")

    app = models.ForeignKey(BusinessApp, on_delete=models.CASCADE, related_name="api_keys", verbose_name=_("app"))
    scopes = models.JSONField(_("scopes"), default=list, validators=[validate_scopes])

    class Meta(AbstractAPIKey.Meta):
        abstract = False
        verbose_name = _("API key")  # type: ignore[assignment]  # lazy, as everywhere
        verbose_name_plural = _("API keys")  # type: ignore[assignment]


class IdempotentAnswer(models.Model):
    """The first answer to a POST that carried an `Idempotency-Key`; `status` is null while it is being made."""

    caller = models.CharField(max_length=120)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("idempotent answer")
        verbose_name_plural = _("idempotent answers")
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="idempotent_caller_key")]
        indexes = [models.Index(fields=["created_at"], name="idempotent_created")]

    def __str__(self) -> str:
        return self.key
