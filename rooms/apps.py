from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class RoomsConfig(AppConfig):
    name = "rooms"
    verbose_name = _("Rooms")

    def ready(self) -> None:
        from config import checks  # noqa: F401  (registers itself)
        from rooms import handlers, renderers
        from rooms.roles import ensure_roles

        handlers.register()
        renderers.register()
        post_migrate.connect(ensure_roles, dispatch_uid="rooms.ensure_roles")
