"""Dissemination: one folder of news goes out to mailboxes, feed readers and networks, approved, on time, once."""

__version__ = "0.1.0"
