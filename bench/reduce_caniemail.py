"""Reduce the data of caniemail to what `checks/letters/support.py` asks: which mail program lacks which feature.

    npm pack caniemail && tar xzf caniemail-*.tgz
    python bench/reduce_caniemail.py package/

The npm package has the data of caniemail.com as one file of 650 KB with every version of every program. Kept are
the newest version's answers of the programs that settings may name; what no rule can find in a letter is printed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

OUT = Path(__file__).parents[1] / "dissemination" / "checks" / "data" / "caniemail.json"

#: Our name of a program -> what caniemail calls it; where several are named, the worst answer counts.
PROGRAMS = {
    "gmail": ("gmail/desktop-webmail", "gmail/ios", "gmail/android"),
    "outlook-windows": ("outlook/windows",),
    "outlook": ("outlook/outlook-com", "outlook/ios", "outlook/android", "outlook/macos"),
    "apple-mail": ("apple-mail/macos", "apple-mail/ios"),
    "yahoo": ("yahoo/desktop-webmail", "yahoo/ios", "yahoo/android"),
    "gmx": ("gmx/desktop-webmail",),
    "web-de": ("web-de/desktop-webmail",),
    "thunderbird": ("thunderbird/macos",),
    "proton-mail": ("protonmail/desktop-webmail", "protonmail/ios", "protonmail/android"),
    "samsung-email": ("samsung-email/android",),
    "orange": ("orange/desktop-webmail", "orange/ios", "orange/android"),
    "laposte": ("laposte/desktop-webmail",),
    "sfr": ("sfr/desktop-webmail", "sfr/ios", "sfr/android"),
    "ionos": ("ionos-1and1/desktop-webmail", "ionos-1and1/android"),
    "fastmail": ("fastmail/desktop-webmail",),
    "aol": ("aol/desktop-webmail", "aol/ios", "aol/android"),
}
#: Titles that say several things, or say it in words.
BY_HAND = {
    "css-column-layout-properties": ("property", ["columns", "column-width", "column-rule", "column-span"]),
    "css-display-none": ("declaration", ["display:none"]),
    "css-font-size": ("property", ["font-size"]),
    "css-grid-template": ("property", ["grid-template", "grid-template-columns", "grid-template-rows"]),
    "css-important": ("value", ["!important"]),
    "css-intrinsic-size": ("value", ["fit-content", "min-content", "max-content"]),
    "css-pseudo-class-lang": ("pseudo", [":lang"]),
    "css-unit-calc": ("function", ["calc"]),
    "css-variables": ("function", ["var"]),
    "css-border-radius-logical": (
        "property",
        [f"border-{block}-{inline}-radius" for block in ("start", "end") for inline in ("start", "end")],
    ),
    "html-h1-h6": ("element", ["h1", "h2", "h3", "h4", "h5", "h6"]),
    "html-image-maps": ("element", ["map", "area"]),
    "html-lists": ("element", ["ul", "ol", "dl"]),
    "html-svg": ("element", ["svg"]),
    "html-srcset": ("attribute", ["srcset", "sizes"]),
    "html-address": ("element", ["address"]),
    "css-inert-attribute": ("attribute", ["inert"]),
    "css-unit-initial": ("value", ["initial"]),
    "css-sytem-ui": ("value", ["system-ui", "ui-serif", "ui-sans-serif", "ui-rounded", "ui-monospace"]),
}  # fmt: skip
#: (how a title looks, what kind of feature it names, how its names are spelt), asked in this order.
SHAPES = (
    (r"<([a-z0-9]+)>(?: element)?$", "element", r"<([a-z0-9]+)>"),
    (r"[a-z-]+ attribute$", "attribute", r"([a-z-]+) attribute"),
    (r"@media \([a-z-]+\)", "media", r"\(([a-z-]+)\)"),
    (r"@[a-z-]+$", "at-rule", r"@([a-z-]+)"),
    (r"::?[a-z-]+(?:\(\))?$", "pseudo", r"(::?[a-z-]+)"),
    (r"[a-z]+ unit$", "unit", r"([a-z]+) unit"),
    (r"[a-z-]+\(\)", "function", r"([a-z-]+)\(\)"),
    (r"[a-z-]+: ?[a-z-]+$", "declaration", r"([a-z-]+: ?[a-z-]+)"),
    (r"[a-z-]+(?:(?:,| &) [a-z-]+)*(?: (?:CSS )?(?:property|shorthand|logical properties))?\s*$", "property",
     r"([a-z-]+)(?! ?properties)"),
)  # fmt: skip
_WORDS = frozenset({"property", "shorthand", "logical", "individual", "longhand", "properties"})


def named(feature: Mapping) -> tuple[str, list[str]] | None:
    """Kind and names of a feature; None for what cannot be seen in a letter."""
    slug, title = feature["slug"], feature["title"]
    if slug in BY_HAND:
        return BY_HAND[slug]
    if feature["category"] not in {"css", "html"} or (slug.startswith("html-input") or "button" in slug):
        return None
    for shape, kind, name in SHAPES:
        if re.match(shape, title) and (kind != "property" or slug.startswith("css-")):
            names = [found.replace(" ", "") for found in re.findall(name, title)]
            return kind, [one for one in names if one not in _WORDS]
    return None


def lacks(feature: Mapping, program: str) -> bool:
    """Whether one of the program's kinds does not know the feature in its newest version."""
    for place in PROGRAMS[program]:
        family, platform = place.split("/")
        versions = list(feature["stats"].get(family, {}).get(platform, {}).values())
        if versions and versions[-1].split()[0] == "n":
            return True
    return False


def rows(features: list[Mapping]) -> Iterator[dict]:
    """One a feature that some program lacks."""
    for feature in features:
        known, lacking = named(feature), [program for program in PROGRAMS if lacks(feature, program)]
        if known is None:
            print(f"left out: {feature['slug']}: {feature['title']}")
        elif lacking:
            kind, names = known
            yield {"slug": feature["slug"], "kind": kind, "names": names, "lacking": lacking}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path)
    package = parser.parse_args().package
    source = (package / "data" / "caniemail.json").read_bytes()
    data, facts = json.loads(source), json.loads((package / "package.json").read_text("utf-8"))
    about = {
        "what": "Support of HTML and CSS in mail programs, reduced by bench/reduce_caniemail.py",
        "source": "https://www.caniemail.com, by the npm package caniemail",
        "version": facts["version"],
        "updated": data["last_update_date"],
        "sha256": hashlib.sha256(source).hexdigest(),
        "license": [
            "The data: MIT License, Copyright (c) 2019 HTeuMeuLeu",
            *(line for line in (package / "LICENSE").read_text("utf-8").splitlines() if line.strip()),
        ],
    }
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows(data["data"]))
    head = json.dumps(about, ensure_ascii=False, indent=1)
    OUT.write_text(f'{{"about": {head},\n"features": [\n{lines}\n]}}\n', "utf-8")


if __name__ == "__main__":
    main()
