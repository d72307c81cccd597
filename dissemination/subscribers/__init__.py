"""Subscribers: their addresses, their personal links, their files."""

from dissemination.subscribers.addresses import normalise, tidy
from dissemination.subscribers.csvfile import as_text, read_subscribers, write_subscribers
from dissemination.subscribers.suppression import AddressBook, suppression_hash
from dissemination.subscribers.tokens import Purpose, SubscriberTokens

__all__ = [
    "AddressBook",
    "Purpose",
    "SubscriberTokens",
    "as_text",
    "normalise",
    "read_subscribers",
    "suppression_hash",
    "tidy",
    "write_subscribers",
]
