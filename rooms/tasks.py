"""Celery tasks: a name, a policy and one call each. Their arguments are primary keys; every one may run twice."""

from celery import shared_task

from config.celery import enqueue
from rooms import courier, health, retention


@shared_task(name="rooms.deliver_command")
def deliver_command(command_id: int) -> None:
    """Carry out one outbox command. A repeat finds it leased or settled and does nothing."""
    for nudge in courier.deliver(command_id):
        enqueue(deliver_command, nudge.command_id, queue=nudge.queue, countdown=nudge.countdown_seconds)


@shared_task(name="rooms.sweep_outbox")
def sweep_outbox() -> None:
    """Enqueue what a crash or a dead broker left behind. A repeat enqueues twice, which delivery tolerates."""
    for nudge in courier.overdue():
        enqueue(deliver_command, nudge.command_id, queue=nudge.queue)


@shared_task(name="rooms.record_pulse")
def record_pulse() -> None:
    """Show that beat and a worker are alive; a repeat writes the same key."""
    health.record_pulse()


@shared_task(name="rooms.drop_old_records")
def drop_old_records() -> None:
    """Delete raw deliveries and idempotent answers past their keeping; a repeat finds nothing."""
    retention.drop_old_records()
