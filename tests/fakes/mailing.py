"""Driving the email channel by its public door: letters in several languages, and every outcome of each."""
# ruff: noqa: RUF001 - Greek and Bulgarian letters look like Latin ones

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

from dissemination.errors import ChannelError, InDoubtError, RejectedError
from dissemination.model import Letter, Message, Receipt, Slot
from dissemination.testing import sample_mail, sample_message

Outcome = Receipt | ChannelError

#: Subjects and names beyond ASCII, each with words of its own for the body.
TONGUES = {
    "el": ("Η τρίτη συνάντηση των εταίρων στο Παρίσι", "Μαρία Παπαδοπούλου", "Καλημέρα"),
    "bg": ("Партньорите се срещат за трети път в Париж", "Георги Иванов-Щърбев", "Добър ден"),
    "ro": ("Partenerii se întâlnesc la Paris a treia oară: științe și țări", "Ștefan Țîrlea", "Bună ziua"),
    "ar": ("يجتمع الشركاء في باريس للمرة الثالثة", "ليلى بنت أحمد", "صباح الخير"),
    "en": ("Three meetings 🎉 and a family 👩‍👩‍👧‍👦 of regions 🇪🇺", 'Zoë 🦊 O\'Brien, "the" <Fox>', "Good day 🌍"),
    "de": ("Größe " * 333 + "ß", "Jörg " * 399 + "Weiß", "Guten Tag"),  # 2,000 characters
}


def letter(lang: str) -> Letter:
    """A letter in this language with the four holes, lines that begin with a dot, and lines without an end."""
    subject, _, greeting = TONGUES[lang]
    own = replace(sample_mail().letter, lang=lang, subject=subject)
    start = f"{greeting}\n.\n..dots\n{subject} {greeting * 200}\n"
    return replace(
        own, text=(start, *own.text), html=(f"<p>{start}</p>\n<p>", Slot(name="name"), "</p>", *own.html)
    )


def letters(addresses: Sequence[str], *, langs: Sequence[str] = tuple(TONGUES), bounce: str = "") -> list[Message]:
    """One letter to each address, the languages in turn; the same arguments give the same messages."""
    edition = "weekly-2026-W48"
    made = {lang: letter(lang) for lang in langs}
    messages = []
    for number, address in enumerate(addresses):
        lang = langs[number % len(langs)]
        mail = sample_mail(letter=made[lang], digest=f"{edition}-{lang}", address=address, name=TONGUES[lang][1])
        values = {**mail.values, "name": TONGUES[lang][1], "email": address}
        mail = replace(mail, values=values, **({"bounce": bounce} if bounce else {}))
        messages.append(sample_message(mail, key=f"{edition}:email:1/{number}"))
    return messages


def drive(channel, messages: Sequence[Message], *, seconds: float = 30) -> Mapping[str, list[Outcome]]:
    """Send over one line; every outcome of each message by its key. More than one each is the channel's fault."""
    outcomes: dict[str, list[Outcome]] = defaultdict(list)

    def note(pairs) -> None:
        for key, outcome in pairs:
            outcomes[key].append(outcome)

    line, waiting, end = channel.line(), iter(messages), time.monotonic() + seconds
    while len(outcomes) < len(messages) and time.monotonic() < end:
        if given := list(islice(waiting, line.room())):
            line.give(given)
        note(line.outcomes(0.1))
    note(line.close(5))
    return outcomes


def only(outcomes: Mapping[str, list[Outcome]]) -> dict[str, Outcome]:
    """Exactly one outcome each."""
    assert all(len(each) == 1 for each in outcomes.values()), outcomes
    return {key: outcome for key, [outcome] in outcomes.items()}


def settle(channel, messages: Sequence[Message], *, seconds: float = 30) -> dict[str, list[Outcome]]:
    """Send what is not settled again until everything is; every outcome of each message, in order."""
    outcomes: dict[str, list[Outcome]] = {message.key: [] for message in messages}
    left, end = list(messages), time.monotonic() + seconds
    while left and time.monotonic() < end:
        for key, outcome in only(drive(channel, left)).items():
            outcomes[key].append(outcome)
        left = [m for m in left if not isinstance(outcomes[m.key][-1], Receipt | RejectedError)]
    return outcomes


def judge(server, messages: Sequence[Message], outcomes: Mapping[str, Sequence[Outcome]]) -> None:
    """What was said of each message agrees with what the server did.

    A receipt for what was taken only; "not sent" for what was not taken only; each message taken once, and at most
    once more for each answer that was withheld; a repeat is the same message.
    """
    taken, bodies = Counter(mail.recipient for mail in server.accepted), defaultdict(set)
    withheld = Counter(server.withheld)
    for mail in server.accepted:
        bodies[mail.recipient].add((mail.message_id, mail.body))
    for message in messages:
        who, said = message.body.address, outcomes[message.key]
        [(message_id, _)] = bodies.get(who) or {("", b"")}
        unsure = sum(isinstance(outcome, InDoubtError) for outcome in said)
        receipts = [outcome for outcome in said if isinstance(outcome, Receipt)]
        assert len(receipts) <= taken[who] <= len(receipts) + unsure, (
            f"{who}: taken {taken[who]} times, said {said}"
        )
        assert taken[who] - len(receipts) <= withheld[message_id], f"{who}: in doubt without need, said {said}"
        assert {receipt.id for receipt in receipts} <= {message_id}
