from django.urls import path

from stats import views

urlpatterns = [
    path("pulses/", views.pulses, name="pulses"),
]
