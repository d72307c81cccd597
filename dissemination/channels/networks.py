"""What the networks carry, as plain data: the defaults, until a server says otherwise."""

from __future__ import annotations

from collections.abc import Mapping

from dissemination.model import Carries, Limits, Repeat, Units

#: network -> its limits. `outbox` channels take them with `repeat=Repeat.SAFE`: they write files.
NETWORKS: Mapping[str, Limits] = {
    # https://docs.x.com/fundamentals/counting-characters
    # https://docs.x.com/x-api/media/quickstart/best-practices; the length of the alternative text stands in the
    # OpenAPI document (CreateMediaMetadataMetadataAltText)
    "x": Limits(
        carries=Carries.POST,
        units=Units.WEIGHTED,
        max_length=280,
        link_length=23,
        pictures=4,
        alt_length=1000,
        picture_bytes=5_000_000,
        threads=True,
        repeat=Repeat.LOOK,
    ),
    # https://docs.joinmastodon.org/user/posting/#text
    # https://docs.joinmastodon.org/entities/Instance/: every server has its own; these are the defaults
    "mastodon": Limits(
        carries=Carries.POST,
        units=Units.GRAPHEMES,
        max_length=500,
        link_length=23,
        pictures=4,
        alt_length=1500,
        picture_bytes=16_000_000,
        threads=True,
        warnings=True,
        repeat=Repeat.LOOK,
    ),
    # https://docs.bsky.app/docs/advanced-guides/posts; the lexicon app.bsky.feed.post limits graphemes and bytes,
    # app.bsky.embed.images the pictures, and sets no limit to an alternative text
    "bluesky": Limits(
        carries=Carries.POST,
        units=Units.GRAPHEMES,
        max_length=300,
        max_bytes=3000,
        pictures=4,
        # The lexicon has 2,000,000 by now; older servers take 1,000,000 and say so only when the post is made.
        picture_bytes=950_000,
        picture_side=2000,
        threads=True,
        repeat=Repeat.SAFE,
    ),
    # https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/posts-api
    # It does not say in what it counts: UTF-16 units are the most that it can mean.
    "linkedin": Limits(
        carries=Carries.POST,
        units=Units.UTF16,
        max_length=3000,
        pictures=20,
        alt_length=4086,
        picture_bytes=5_000_000,
        repeat=Repeat.LOOK,
    ),
    # https://core.telegram.org/bots/api#sendphoto: a caption has 1024; what is longer answers the picture. A bot
    # cannot read its channel, and there is no field for an alternative text.
    "telegram": Limits(
        carries=Carries.POST,
        units=Units.UTF16,
        max_length=4096,
        pictured_length=1024,
        pictures=1,
        picture_bytes=10_000_000,
        # The longest side that Telegram keeps; width and height together may have 10,000.
        picture_side=2560,
        threads=True,
        repeat=Repeat.ASK,
    ),
    # The next three have no channel of their own: people post there, from an outbox or a sharepack.
    # https://developers.facebook.com/docs/pages-api/posts names no length; 63,206 is what tools for it keep to
    "facebook": Limits(carries=Carries.POST, units=Units.UTF16, max_length=63_206, pictures=10),
    # https://developers.facebook.com/docs/instagram-platform/content-publishing
    "instagram": Limits(carries=Carries.POST, units=Units.UTF16, max_length=2200, pictures=10),
    # https://developers.facebook.com/docs/threads/posts counts emoji by their bytes in UTF-8; counted so, all fits
    "threads": Limits(carries=Carries.POST, units=Units.BYTES, max_length=500, pictures=10, threads=True),
}
