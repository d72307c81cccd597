"""How our mail stands with those who receive it: keys, SPF, DKIM and DMARC, and what to add where it is missing."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

from dissemination.channels.email import dmarc, spf
from dissemination.channels.email.dkim import GOOD_BITS, Key
from dissemination.channels.email.keys import KeyRing, Source
from dissemination.channels.email.names import FailingError, SilentError, Texts, is_reserved
from dissemination.errors import SettingsError
from dissemination.model import Level, Symptom

#: Characters of somebody's record that are shown.
_SHOWN = 300
_Said = Iterator[tuple[Level | None, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sending:
    """What receivers see of where our mail comes from."""

    #: Domain of From.
    sender: str
    #: Domain that bounces go to: receivers ask its SPF record.
    envelope: str
    #: The SMTP server, and whether it is this machine.
    host: str
    here: bool


def examine(
    sending: Sending, ring: KeyRing, texts: Texts, exists: Callable[[str], bool] = lambda _: True
) -> Sequence[Symptom]:
    """Keys first, then DNS, as long as it answers.

    Args:
        sending: where mail comes from.
        ring: the keys.
        texts: asks DNS.
        exists: whether a name is in DNS at all.
    """
    found: list[Symptom] = []
    keys: list[Key] = []
    for source in ring.sources:
        found += [_symptom(f"key {source.selector}", *said) for said in _key(source, keys)]
    if not ring.sources:
        said = "mail is not signed here; if your server does not sign either, `disseminate dkim-key` makes a key"
        found.append(_symptom("DKIM", Level.NOTE, said))
    elif keys and all(key.algorithm == "ed25519-sha256" for key in keys):
        found.append(_symptom("DKIM", Level.WARNING, "many receivers do not know Ed25519; add an RSA key"))
    return [*found, *_in_dns(sending, keys, cache(texts), exists)]


def _symptom(what: str, level: Level | None, said: str) -> Symptom:
    return Symptom(what=f"email {what}", level=level, said=said)


def _key(source: Source, keys: list[Key]) -> _Said:
    """What is wrong with a key; a usable one is added to `keys`."""
    try:
        key = source.load()
    except SettingsError as error:
        yield Level.ERROR, str(error)
        return
    keys.append(key)
    if source.open_to_others():
        yield Level.WARNING, f"{source.file} can be read by others; `chmod 600` it"
    if key.algorithm == "rsa-sha256" and key.bits < GOOD_BITS:
        yield Level.WARNING, f"{key.bits} bits are too few today; `disseminate dkim-key` makes one of {GOOD_BITS}"


def _in_dns(
    sending: Sending, keys: Sequence[Key], texts: Texts, exists: Callable[[str], bool]
) -> Iterator[Symptom]:
    if is_reserved(sending.sender):
        yield _symptom("DNS", None, f"{sending.sender} is a name for examples; there is nothing to look up")
        return
    checks: list[tuple[str, Callable[[Texts], _Said]]] = [
        ("SPF", partial(_spf, sending, exists)),
        *((f"DKIM {key.selector}", partial(_dkim, key)) for key in keys),
        ("DMARC", partial(_dmarc, sending, keys)),
    ]
    for what, check in checks:
        try:
            yield from [_symptom(what, *said) for said in check(texts)]
        except FailingError as error:
            yield _symptom(what, Level.WARNING, str(error))
        except SilentError as error:
            yield _symptom("DNS", Level.NOTE, f"{error}: SPF, DKIM and DMARC were not looked at")
            return


def _add(name: str, text: str) -> str:
    return f'add a TXT record at {name}: "{text}"'


# SPF


def _spf(sending: Sending, exists: Callable[[str], bool], texts: Texts) -> _Said:
    domain, wanted = sending.envelope, spf.suggestion(sending.host, sending.envelope, here=sending.here)
    found = spf.look(domain, texts)
    if not found.records and not exists(domain):
        setting = "sender" if domain == sending.sender else "envelope_sender"
        advice = f"correct channels.email.{setting}, or is the name server that was asked cut off?"
        yield Level.ERROR, f"{domain} is not in DNS; {advice}"
    elif not found.records:
        yield Level.WARNING, f"{domain} has none; {_add(domain, wanted)}"
    elif len(found.records) > 1:
        yield Level.ERROR, f"{domain} has {len(found.records)} records, so none counts; make one of them"
    else:
        faults = [(level, f"{domain}: {said}") for level, said in _spf_faults(found)]
        yield from faults or [
            (None, f"{domain}: {found.records[0][:_SHOWN]} ({found.lookups} of {spf.LOOKUPS} lookups)")
        ]
        include = wanted.split()[1]
        if include.removeprefix("include:") in spf.INCLUDES.values() and include not in found.records[0]:
            yield (
                Level.NOTE,
                f"{domain}: {include} is not named, which {sending.host} needs; look whether it is covered",
            )


def _spf_faults(found: spf.Spf) -> _Said:
    for name in found.missing:
        yield Level.ERROR, f"it includes {name}, which has no SPF record, so all of it fails; take it out"
    if found.lookups > spf.LOOKUPS:
        yield Level.ERROR, f"it costs more than {spf.LOOKUPS} lookups, so receivers give up; take includes out"
    if found.last == "+all":
        yield Level.WARNING, "it lets everybody send (+all); end it with ~all or -all"
    if found.last in {"", "?all"}:
        yield Level.WARNING, "it says nothing of other servers; end it with ~all or -all"


# DKIM

#: What can be wrong with a record -> how grave it is, and what to do.
_RECORD_FAULTS: tuple[tuple[Callable[[Mapping[str, str], Key], bool], Level, str], ...] = (
    (lambda tags, _: not tags.get("p"), Level.ERROR, "the key is revoked (p= is empty)"),
    (lambda tags, key: bool(tags.get("p")) and _public(tags["p"]) != key.public, Level.ERROR, "it is another key"),
    (lambda tags, key: tags.get("k", "rsa") != key.algorithm.partition("-")[0], Level.ERROR, "k= is not the key's"),
    (lambda tags, _: tags.get("v", "DKIM1") != "DKIM1", Level.ERROR, "v= is not DKIM1"),
    (lambda tags, _: "sha256" not in _list(tags.get("h", "sha256")), Level.ERROR, "h= does not allow sha256"),
    (lambda tags, _: not {"*", "email"} & _list(tags.get("s", "*")), Level.ERROR, "s= does not allow email"),
    (lambda tags, _: "y" in _list(tags.get("t", "")), Level.WARNING, "t=y says that you are testing"),
)


def _dkim(key: Key, texts: Texts) -> _Said:
    records = [text for text in texts(key.name) if "p" in dmarc.read_tags(text)]
    if not records:
        yield Level.ERROR, f"no public key in DNS, so every signature fails; {_add(key.name, key.record())}"
    elif len(records) > 1:
        yield Level.ERROR, f"{key.name} has {len(records)} records; leave only: {key.record()}"
    else:
        tags = dmarc.read_tags(records[0])
        faults = [(level, said) for wrong, level, said in _RECORD_FAULTS if wrong(tags, key)]
        for level, said in faults:
            yield level, f"{key.name}: {said}; the record should be: {key.record()}"
        if not faults:
            yield None, f"{key.name} has our public key"


def _public(written: str) -> bytes:
    try:
        return b64decode("".join(written.split()))
    except (Base64Error, ValueError):
        return b""


def _list(value: str) -> set[str]:
    return {part.strip().lower() for part in value.split(":")}


# DMARC


def _dmarc(sending: Sending, keys: Sequence[Key], texts: Texts) -> _Said:
    found = dmarc.walk(sending.sender, texts)
    if found.doubled:
        yield Level.ERROR, f"_dmarc.{found.doubled} has several records, so none counts; leave one"
    elif not found.at:
        wanted = f"v=DMARC1; p=none; rua=mailto:postmaster@{sending.sender}"
        yield Level.WARNING, f"{sending.sender} has none; {_add(f'_dmarc.{sending.sender}', wanted)}"
    else:
        yield _policy(found)
        yield from _alignment(found, sending, keys, texts)


def _policy(found: dmarc.Found) -> tuple[Level | None, str]:
    where = f"_dmarc.{found.at} asks for {found.policy[:_SHOWN]}"
    if found.policy not in {"none", "quarantine", "reject"}:
        return Level.WARNING, f"{where}, which is no policy; write p=none, p=quarantine or p=reject"
    hint = "; when its reports show only your own mail, p=quarantine protects the name"
    return None, where + (hint if found.policy == "none" else "")


def _alignment(found: dmarc.Found, sending: Sending, keys: Sequence[Key], texts: Texts) -> _Said:
    signers = sorted({key.domain for key in keys})
    signed = any(_speaks(found, domain, texts, strict=found.strict("adkim")) for domain in signers)
    bounced = _speaks(found, sending.envelope, texts, strict=found.strict("aspf"))
    if signers and not signed:
        said = f"{', '.join(signers)} cannot sign for {sending.sender}; sign with domain: {sending.sender}"
        yield Level.WARNING if bounced else Level.ERROR, said
    if not bounced:
        said = f"{sending.envelope}, where bounces go, does not speak for {sending.sender}"
        rest = (
            "the signature alone has to" if signed else f"unless your server signs for {sending.sender}, mail fails"
        )
        yield Level.NOTE if signed else Level.WARNING, f"{said}; {rest}"


def _speaks(found: dmarc.Found, domain: str, texts: Texts, *, strict: bool) -> bool:
    """Whether another domain is aligned with the sender's."""
    if domain == found.domain:
        return True
    return not strict and dmarc.walk(domain, texts).organisation == found.organisation
