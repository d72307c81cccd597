"""The tables. The same Core statements run on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from dissemination.model import DeliveryState

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """An instant as the database keeps it.

    Raises:
        ValueError: it is naive, and so no instant.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a naive time cannot be stored: {moment}")
    return (moment - EPOCH) // timedelta(microseconds=1)


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware instant, kept as whole microseconds since 1970 in UTC: sorts and compares the same everywhere."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - signature
        """Refuses naive times: they have no instant."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - signature
        """Always UTC."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


#: Delivery states as small numbers: a million rows are read and written by them.
CODES = {
    DeliveryState.PENDING: 0,
    DeliveryState.SENDING: 1,
    DeliveryState.SENT: 2,
    DeliveryState.BOUNCED: 3,
    DeliveryState.DEFERRED: 4,
    DeliveryState.FAILED: 5,
    DeliveryState.SKIPPED: 6,
    DeliveryState.IN_DOUBT: 7,
}

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: Keys of this database.
meta = sa.Table(
    "meta", metadata, sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False)
)

#: Minted ids. A row outlives its file, so that an id is never given twice.
items = sa.Table(
    "items",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, nullable=False, unique=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("lang", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # digest of the body: how a moved file is known again
    sa.Column("minted_at", Instant, nullable=False),
)

publications = sa.Table(
    "publications",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("lang", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("when", Instant),
    sa.Column("slotted", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("due_at", Instant),
    sa.Column("grace", sa.Integer, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("bound", sa.JSON, nullable=False),
    sa.Column("audience", sa.JSON, nullable=False),
    sa.Column("reach", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("not_before", Instant),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text, nullable=False, server_default=""),
    sa.Column("lease_until", Instant),
    sa.Column("claimed_at", Instant),
    sa.Column("remote_id", sa.Text, nullable=False),
    sa.Column("remote_url", sa.Text, nullable=False),
    sa.Column("published_at", Instant),
    sa.Column("items", sa.JSON, nullable=False),
    sa.Column("after", sa.JSON, nullable=False),
    sa.Column("live_urls", sa.JSON, nullable=False),
    sa.Column("approved_by", sa.JSON, nullable=False),
    sa.Column("parts", sa.JSON, nullable=False, server_default="[]"),  # [[id, address], ...] of a thread
    sa.Column("price", sa.BigInteger, nullable=False, server_default="0"),  # millionths of a US dollar
    sa.UniqueConstraint("subject", "channel", "revision", name="uq_publications_subject"),
)

#: What channels keep between calls: sessions, tokens, a server's limits.
vault = sa.Table(
    "vault",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

#: Who approved what, and when; never changed.
approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("publication", sa.Text, nullable=False, index=True),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("bound", sa.JSON, nullable=False),
)

#: Approved bytes by their digest: content is canonical JSON, pictures are pictures.
contents = sa.Table(
    "contents",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

#: One slot of a digest is one edition, made once.
editions = sa.Table(
    "editions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("schedule", sa.Text, nullable=False),
    sa.Column("slot_at", Instant, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.UniqueConstraint("schedule", "slot_at", name="uq_editions_schedule"),
)

#: An item is in one edition of a digest once: the key says so.
edition_items = sa.Table(
    "edition_items",
    metadata,
    sa.Column("schedule", sa.Text, primary_key=True),
    sa.Column("item", sa.Text, primary_key=True),
    sa.Column("edition", sa.Text, nullable=False, index=True),
)

schedules = sa.Table(
    "schedules",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("since", Instant, nullable=False),  # slots before it do not exist
)

live_entries = sa.Table(
    "live_entries",
    metadata,
    sa.Column("item", sa.Text, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("published", Instant, nullable=False),
    sa.Column("updated", Instant, nullable=False),
    sa.Column("expires_at", Instant),
)

subscribers = sa.Table(
    "subscribers",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False, unique=True),  # normalised: what is compared
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("lang", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("consent_source", sa.Text, nullable=False),
    sa.Column("consent_at", Instant),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("domain", sa.Text, nullable=False, server_default=""),  # of `address`, in lower-case ASCII
    sa.Column("attributes", sa.JSON(none_as_null=True)),  # name -> value, both texts; NULL: none
    sa.Column("state_at", Instant),  # when `state` changed last; NULL: it is as it was at first
    sa.Column("paused_until", Instant),  # they asked for no letters until then
    sqlite_autoincrement=True,  # the id of an erased person is never given to another
)

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("list", sa.Text, primary_key=True),
    sa.Column(
        "subscriber",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        sa.ForeignKey("subscribers.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
    sa.Column("left_at", Instant),  # a list that somebody left is remembered: a new import must not undo it
)

#: Words that people agreed to, once by their digest.
wordings = sa.Table(
    "wordings",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("lang", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

#: Who agreed to what, and took it back. After an erasure `subscriber` is NULL: only `hash` tells whose line it was.
consents = sa.Table(
    "consents",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("subscriber", sa.BigInteger().with_variant(sa.Integer, "sqlite"), index=True),
    sa.Column("hash", sa.Text, nullable=False, server_default=""),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("lists", sa.Text, nullable=False),  # separated by ";"
    sa.Column("lang", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("wording", sa.Text),  # digest
    sa.Column("at", Instant, nullable=False),
    sa.Column("erased_at", Instant),
)
sa.Index(
    "ix_consents_erased",
    consents.c.erased_at,
    postgresql_where=consents.c.erased_at.is_not(None),
    sqlite_where=consents.c.erased_at.is_not(None),
)

#: Addresses that must never be written to again, as keyed hashes: they survive erasure and re-import.
suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

#: Who filled the form in, and the mail that asks them to confirm: a row is its own outbox.
signups = sa.Table(
    "signups",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False, unique=True),  # normalised
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("lang", sa.Text, nullable=False),
    sa.Column("lists", sa.Text, nullable=False),  # separated by ";"
    sa.Column("wording", sa.Text, nullable=False),  # digest
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("confirmed_at", Instant),
    sa.Column("mails", sa.Integer, nullable=False),  # asked for so far; the number of the last one
    sa.Column("mail", sa.SmallInteger, nullable=False),  # of the last one: 0 nothing to do, 1 waiting, 2 claimed
    sa.Column("attempts", sa.SmallInteger, nullable=False),
    sa.Column("mail_at", Instant),  # waiting: not before; claimed: how long
    sqlite_autoincrement=True,  # a link to confirm never means another's sign-up
)
sa.Index(
    "ix_signups_mail",
    signups.c.mail,
    postgresql_where=signups.c.mail.in_([1, 2]),
    sqlite_where=signups.c.mail.in_([1, 2]),
)

batches = sa.Table(
    "batches",
    metadata,
    sa.Column("publication", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("no", sa.Integer, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("lease_until", Instant),
    sa.Column("not_before", Instant),
)

#: A row per recipient, clustered on (publication, batch, subscriber): batches are claimed, never rows.
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("publication", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("batch", sa.Integer, primary_key=True),
    sa.Column("subscriber", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("state", sa.SmallInteger, nullable=False),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("attempts", sa.SmallInteger, nullable=False),
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 50},
)

#: Why a delivery is not simply sent; exceptions only.
troubles = sa.Table(
    "troubles",
    metadata,
    sa.Column("publication", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("subscriber", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("not_before", Instant),  # deferred: when it is tried again
    sa.Column("since", Instant),  # deferred first: the age that giving up is judged by; NULL: never, or begun anew
)

#: How many mails of an edition were accepted in each minute.
paces = sa.Table(
    "paces",
    metadata,
    sa.Column("publication", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("minute", Instant, primary_key=True),
    sa.Column("sent", sa.Integer, nullable=False),
)

#: One bucket a rate: the instant at which it is full again (GCRA), or what was taken until then (counted ones).
#: A bucket that is not here is full.
quotas = sa.Table(
    "quotas",
    metadata,
    sa.Column("bucket", sa.Text, primary_key=True),
    sa.Column("full_at", Instant, nullable=False),
    sa.Column("taken", sa.Integer, nullable=False, server_default="0"),
)

#: What came back: bounces, complaints, requests by mail. The digest makes each count once.
returns = sa.Table(
    "returns",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("at", Instant, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("publication", sa.BigInteger().with_variant(sa.Integer, "sqlite")),
    sa.Column("subscriber", sa.BigInteger().with_variant(sa.Integer, "sqlite"), index=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("effect", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary),  # only of what nobody could be found for, and not for ever
)

#: Soft bounces that count: one an edition and person.
soft_bounces = sa.Table(
    "soft_bounces",
    metadata,
    sa.Column("subscriber", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("publication", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("at", Instant, nullable=False),
)

#: Two digests a feed: as it is live, and as the hub was told of it last. Where they differ a ping is owed.
pings = sa.Table(
    "pings",
    metadata,
    sa.Column("hub", sa.Text, primary_key=True),
    sa.Column("topic", sa.Text, primary_key=True),  # the feed's address
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("told", sa.Text, nullable=False),  # "": never
    sa.Column("since", Instant, nullable=False),  # owed first
    sa.Column("not_before", Instant, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),  # why it is not told until it changes next; "": it is
)

pauses = sa.Table(
    "pauses",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),  # "*" is every channel
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("told", sa.SmallInteger, nullable=False),  # 0 nobody needs telling, 1 to tell, 2 being told, 3 told
)
sa.Index(
    "ix_events_told",
    events.c.told,
    postgresql_where=events.c.told.in_([1, 2]),
    sqlite_where=events.c.told.in_([1, 2]),
)
