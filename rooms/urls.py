from django.urls import path

from rooms.views import webhooks

urlpatterns = [
    path("webhooks/chat/", webhooks.chat_webhook, name="chat_webhook"),
]
