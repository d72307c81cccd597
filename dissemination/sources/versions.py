"""The language versions of one item find each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dissemination.model import Finding, Level, NewsItem
from dissemination.sources.building import Draft
from dissemination.sources.refusal import note

#: A translation that says nothing of its own has the times of its original: above all, no embargo ends early.
INHERITED = ("date", "publish_at", "embargo_until", "expires_at")


def tie(drafts: Sequence[Draft], default_lang: str) -> tuple[list[NewsItem], list[Finding]]:
    """Give every item its translation key, source version and id. An item with a finding is not in the list."""
    by_path = {draft.place.key: draft.key for draft in drafts if draft.key}
    names = _names(drafts)
    groups: dict[str, list[Draft]] = defaultdict(list)
    findings: list[Finding] = []
    for draft in drafts:
        key = _key(draft, names, by_path)
        if key:
            groups[key].append(draft)
        else:
            findings.append(_unknown_original(draft))
    items: list[NewsItem] = []
    for key, group in groups.items():
        doubles = list(_doubles(group))
        findings.extend(doubles)
        lost = {finding.path for finding in doubles}
        items.extend(_tied(key, [draft for draft in group if draft.item.path not in lost], default_lang))
    refused = {draft.item.path for draft in drafts if not draft.sound}
    sound = [item for item in items if item.path not in refused]
    return sorted(sound, key=lambda item: item.path), findings


def _names(drafts: Iterable[Draft]) -> Mapping[str, Draft]:
    """Whatever `translation_of` may call an item by; the id wins."""
    names: dict[str, Draft] = {}
    for draft in drafts:
        for name in (draft.item.slug, draft.item.path, draft.place.relative, draft.place.key):
            names.setdefault(name, draft)
    return {**names, **{draft.item.id: draft for draft in drafts}}


def _key(draft: Draft, names: Mapping[str, Draft], by_path: Mapping[str, str]) -> str:
    seen: set[str] = set()
    while draft.of and draft.item.path not in seen:
        seen.add(draft.item.path)
        original = names.get(draft.of)
        if original is None:
            return ""
        draft = original
    return draft.key or by_path.get(draft.place.key) or draft.place.key


def _unknown_original(draft: Draft) -> Finding:
    line = draft.item.lines.get("translation_of", 0)
    message, fix = "`translation_of` names no item", "the id, the slug or the path of the original"
    found = note(
        "translation-unknown", Level.ERROR, message, line=line, field="translation_of", fix=fix, seen=draft.of
    )
    return replace(found, path=draft.item.path)


def _doubles(group: Sequence[Draft]) -> Iterable[Finding]:
    by_lang: dict[str, list[NewsItem]] = defaultdict(list)
    for draft in group:
        by_lang[draft.item.lang].append(draft.item)
    for lang, items in by_lang.items():
        for item in items if len(items) > 1 else ():
            other = next(one.path for one in items if one is not item)
            yield Finding(
                rule="translation-duplicate",
                level=Level.ERROR,
                path=item.path,
                message=f"{other} is the `{lang}` version of the same item",
                fix="give one of them another `lang`, or another `translation_key`",
                field="lang",
                line=item.lines.get("lang", 0),
            )


def _tied(key: str, group: Sequence[Draft], default_lang: str) -> Iterable[NewsItem]:
    if not group:
        return
    source = min(group, key=lambda draft: _distance(draft, default_lang))
    taken = {draft.item.id for draft in group if not draft.place.lang}
    for draft in group:
        is_source = draft is source
        said = {name: getattr(draft.item, name) or getattr(source.item, name) for name in INHERITED}
        yield replace(
            draft.item,
            translation_key=key,
            source_version=is_source,
            translation_kind=draft.kind or ("source" if is_source else "translation"),
            **said,
            **_identity(draft, source, taken),
        )


def _distance(draft: Draft, default_lang: str) -> tuple[bool, bool, bool, bool, str]:
    """The source version is the smallest: it says so itself, or has no language in its name, or is in the first."""
    said = draft.kind == "source"
    other = bool(draft.of) or not draft.may_be_source or (bool(draft.kind) and not said)
    return not said, other, bool(draft.place.lang), draft.item.lang != default_lang, draft.item.path


def _identity(draft: Draft, source: Draft, taken: set[str]) -> dict[str, Any]:
    """An id that the source version names is all versions' id, each with its language behind it."""
    item, named = draft.item, source.item
    if draft is not source and named.explicit_id and (not item.explicit_id or item.id == named.id):
        return {"id": f"{named.id}.{item.lang}", "explicit_id": True}
    if draft.place.lang and not item.explicit_id and item.id in taken:
        return {"id": f"{item.id}.{item.lang}"}
    return {}
