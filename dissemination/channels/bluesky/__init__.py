"""Bluesky: posts and threads of one account on its server (PDS), where a repeat changes nothing.

The key of a record is ours to choose: it comes from the message's time and key, and the record's own time is the
message's. So whether a post is out is a question with an answer, and writing it again writes the same.
"""

from dissemination.channels.bluesky.channel import BlueskyChannel, make

__all__ = ["BlueskyChannel", "make"]
