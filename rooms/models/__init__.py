from rooms.models.audit import AuditEntry
from rooms.models.business import ApiKey, BusinessApp, IdempotentAnswer
from rooms.models.deliveries import WebhookDelivery
from rooms.models.messages import Message
from rooms.models.notices import Notice
from rooms.models.outbox import OutboxCommand
from rooms.models.rooms import Room
from rooms.models.users import User
from rooms.models.viewers import Membership, Viewer

__all__ = [
    "ApiKey",
    "AuditEntry",
    "BusinessApp",
    "IdempotentAnswer",
    "Membership",
    "Message",
    "Notice",
    "OutboxCommand",
    "Room",
    "User",
    "Viewer",
    "WebhookDelivery",
]
