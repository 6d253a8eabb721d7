from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path
from django.views.decorators.cache import never_cache

from rooms.views import health, shell

urlpatterns = [
    path("", include("rooms.urls")),
    path("stats/", include("stats.urls")),
    path("api/v1/", include("rooms.api.urls")),
    path("admin/", admin.site.urls),
    path("login/", auth_views.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("password/", auth_views.PasswordChangeView.as_view(), name="password_change"),
    path("password/done/", auth_views.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("language/", include("django.conf.urls.i18n")),
    path("favicon.ico", shell.favicon, name="favicon"),
    path("healthz", never_cache(health.healthz), name="healthz"),
    path("readyz", never_cache(health.readyz), name="readyz"),
    path("metrics", never_cache(health.metrics), name="metrics"),
]

if settings.DEBUG:
    urlpatterns.append(path("styleguide/", shell.styleguide, name="styleguide"))

handler404 = "rooms.views.shell.not_found"
