"""The Celery application, and the one helper by which work is enqueued."""

import logging
import os
from typing import Any

from celery import Celery, Task
from django.db import transaction
from kombu.exceptions import OperationalError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("greenroom")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

logger = logging.getLogger(__name__)


def enqueue(task: "Task[Any, Any]", *args: object, queue: str, countdown: float = 0.0) -> None:
    """Enqueue once the transaction has committed. A dead broker is logged, never raised: the sweep catches up."""

    def send() -> None:
        try:
            task.apply_async(args=args, queue=queue, countdown=countdown, retry=False)
        except OperationalError as error:
            logger.warning("broker unreachable, %s left to the sweep: %s", task.name, error)

    transaction.on_commit(send)
