"""Who is told what, once: tickets, and their messages to webhooks, mail and files. Aggregates only."""

from wardround.alerts import tickets
from wardround.alerts.asking import ask_for_approval, report_failure
from wardround.alerts.config import Config, load_config
from wardround.alerts.delivery import Delivery, State, deliver, try_out, waiting
from wardround.alerts.outbox import Receipt, receipts
from wardround.alerts.tickets import Ticket, Urgency

__all__ = [
    "Config", "Delivery", "Receipt", "State", "Ticket", "Urgency", "ask_for_approval", "deliver", "load_config",
    "receipts", "report_failure", "tickets", "try_out", "waiting",
]  # fmt: skip
