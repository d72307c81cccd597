"""Subscribers: who is added needs consent with its source and date; who leaves, leaves at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from dissemination.errors import WrongUseError
from dissemination.model import Added, Dossier, Finding, Happening, Level, Project, Step, Subscriber, Why, Wording
from dissemination.pipeline.parts import Parts
from dissemination.ports import Addresses

#: A consent may lie so far ahead of our clock: days begin earlier elsewhere.
_SLACK = timedelta(days=1)
_FUTURE = ("the consent lies in the future", "write the day on which they agreed")
#: So many languages that the project has not are told.
_FOREIGN_LIMIT = 100

#: Is handed whatever is wrong with a line.
Tell = Callable[[Finding], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """One file of people."""

    #: (line, person), or what is wrong with the line.
    rows: Iterable[tuple[int, Subscriber] | Finding]
    #: The file as findings name it, and its bare name for the consent log.
    path: str
    name: str
    #: The words they agreed to, and their language; "": not known.
    wording: str = ""
    lang: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What became of a file: everybody was added, or nobody."""

    added: Added = Added()  # noqa: RUF009 - frozen, and so harmless
    #: How many lines are to be corrected first.
    wrong: int = 0
    wording: Wording | None = None


def add(parts: Parts, addresses: Addresses, people: Iterable[Subscriber]) -> Added:
    """Add people, all or none.

    Raises:
        WrongUseError: no consent source or date, or an unknown list.
        DisseminationError: an address is none.
    """
    rows = ((person, *addresses.both(person.email)) for person in _consenting(parts, people))
    new, known, suppressed = parts.store.people.add(rows)
    _log(parts, "subscribers", f"{new} added, {known} known, {suppressed} suppressed")
    return Added(new=new, known=known, suppressed=suppressed)


def _consenting(parts: Parts, people: Iterable[Subscriber]) -> Iterator[Subscriber]:
    project, latest = parts.project, parts.clock.now() + _SLACK
    for person in people:
        if not person.consent_source or person.consent_at is None:
            raise WrongUseError(f"{person.email}: where and when did they consent? Give --source and --date")
        if person.consent_at > latest:
            raise WrongUseError(f"{person.email}: {_FUTURE[0]}; {_FUTURE[1]}")
        if wrong := _lists(project, person):
            raise WrongUseError(f"{person.email}: {wrong}; newsletter.lists has: {_known(project)}")
        yield person


def _lists(project: Project, person: Subscriber) -> str:
    """What is wrong with somebody's lists; "" if nothing is."""
    unknown = [name for name in person.lists if name not in project.lists]
    return f"no list {unknown[0]}" if unknown else "" if person.lists else "no list named"


def foreign(project: Project, lang: str) -> tuple[str, str]:
    """What becomes of people whose language the project has not, and what can be done."""
    return (
        f"the project has no language {lang}; they get {project.default_lang}",
        f"project.languages has: {', '.join(project.languages)}",
    )


def _known(project: Project) -> str:
    return ", ".join(project.lists) or "none"


def import_(parts: Parts, addresses: Addresses, file: Import, tell: Tell) -> Imported:
    """Add everybody of a file, or nobody if a line is wrong.

    The file is read once, in memory that does not grow with it. People are set aside while others go on publishing;
    the database is written to only at the end, in one transaction.

    Args:
        parts: the house.
        addresses: how addresses are compared.
        file: what was read.
        tell: is handed every finding.
    """
    desk = _Desk(parts, addresses, file, tell)
    with parts.store.people.set_aside() as aside:
        aside.add(desk.right())
        for line, first in aside.repeated():
            desk.note(line, "email", f"the same address as in line {first}", "keep one of the two lines")
        if desk.wrong:
            return Imported(wrong=desk.wrong)
        lang = file.lang or parts.project.default_lang
        wording = parts.store.privacy.keep_wording(file.wording, lang) if file.wording else None
        digest = wording.digest if wording else None
        added = aside.settle(step=Step.IMPORTED, form=f"import of {file.name}", wording=digest)
    said = f"{added.new} added, {added.known} known, {added.suppressed} suppressed"
    _log(parts, "subscribers", f"{file.name}: {said}")
    return Imported(added=added, wording=wording)


class _Desk:
    """Looks through the lines of one file."""

    def __init__(self, parts: Parts, addresses: Addresses, file: Import, tell: Tell) -> None:
        self._project, self._addresses, self._file, self._tell = parts.project, addresses, file, tell
        self._latest = parts.clock.now() + _SLACK
        #: Languages that the project has not, told once each.
        self._foreign: set[str] = set()
        self.wrong = 0

    def right(self) -> Iterator[tuple[int, Subscriber, str, str]]:
        """Everybody whose line is right, as the store takes them."""
        for row in self._file.rows:
            if isinstance(row, Finding):
                self._count(row)
                continue
            line, person = row
            if self._refused(line, person):
                continue
            if person.lang not in self._project.languages:
                self._warn(line, person.lang)
            yield line, person, *self._addresses.both(person.email)

    def _refused(self, line: int, person: Subscriber) -> bool:
        before = self.wrong
        if wrong := _lists(self._project, person):
            self.note(line, "lists", wrong, f"newsletter.lists has: {_known(self._project)}")
        if person.consent_at is not None and person.consent_at > self._latest:
            self.note(line, "consent_at", *_FUTURE)
        return self.wrong > before

    def _warn(self, line: int, lang: str) -> None:
        if lang in self._foreign or len(self._foreign) >= _FOREIGN_LIMIT:
            return
        self._foreign.add(lang)
        message, fix = foreign(self._project, lang)
        told = Finding(
            rule="subscriber-lang",
            level=Level.WARNING,
            path=self._file.path,
            line=line,
            field="lang",
            message=message,
        )
        self._tell(replace(told, fix=fix))

    def note(self, line: int, field: str, message: str, fix: str) -> None:
        """A finding of ours."""
        path = self._file.path
        rule = f"subscriber-{field}"
        self._count(
            Finding(rule=rule, level=Level.ERROR, path=path, line=line, field=field, message=message, fix=fix)
        )

    def _count(self, finding: Finding) -> None:
        self.wrong += 1
        self._tell(finding)


def show(parts: Parts, addresses: Addresses, address: str) -> Dossier | None:
    """Everything that is kept about a person; None: nobody has the address."""
    return parts.store.privacy.dossier(*addresses.both(address))


def remove(parts: Parts, addresses: Addresses, address: str, *, bar: bool = False) -> bool:
    """Erase a person. The log says that it happened, not who it was.

    Args:
        parts: the house.
        addresses: how addresses are compared.
        address: whose.
        bar: suppress the address as well, so that no import brings it back.
    """
    done = parts.store.people.remove(*addresses.both(address), bar=bar)
    if done:
        _log(parts, "erased", "one subscriber")
    return done


def suppress(parts: Parts, addresses: Addresses, address: str, words: str) -> bool:
    """Never write to this address again. True if it was on the list. The words stand in the log alone."""
    done = parts.store.people.suppress(*addresses.both(address), Why.OFFICER)
    _log(parts, "suppressed", words)
    return done


def unsubscribe(
    parts: Parts, addresses: Addresses, address: str, lists: Sequence[str] = (), *, how: str
) -> bool | None:
    """Somebody asked to leave, everything or some lists; False: they had left already; None: nobody there."""
    unknown = [name for name in lists if name not in parts.project.lists]
    if unknown:
        raise WrongUseError(f"unsubscribe: no list {unknown[0]}; newsletter.lists has: {_known(parts.project)}")
    person = parts.store.people.by_address(addresses.normalise(address))
    if person is None:
        return None
    done = parts.store.people.unsubscribe(person.id, parts.clock.now(), how, lists)
    if done:
        _log(parts, "unsubscribed", "one subscriber")
    return done


def _log(parts: Parts, kind: str, detail: str) -> None:
    parts.store.events.add(Happening(at=parts.clock.now(), kind=kind, detail=detail))
