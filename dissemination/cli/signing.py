"""Commands for signed mail: dkim-key."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dissemination.cli.common import Json, guarded, page, print_json, safe, say, say_path
from dissemination.errors import SettingsError, WrongUseError

if TYPE_CHECKING:
    from dissemination.channels.email.dkim import Key

#: Characters of one string in the zone file: at most 255 (RFC 1035, 3.3), and with the rest on a screen of 80.
_STRING = 70


@guarded
def dkim_key(
    selector: Annotated[str, typer.Option(help="Name of the key in DNS.", metavar="NAME")] = "news",
    domain: Annotated[str, typer.Option(help="Domain that signs; the sender's where left out.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="A new file; var/dkim-NAME.pem where left out.", metavar="FILE")
    ] = None,
    *,
    ed25519: Annotated[
        bool, typer.Option("--ed25519", help="Ed25519 in place of RSA; only beside an RSA key.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a key that signs mail, and print its record for DNS."""
    from dissemination.bootstrap import find_root  # noqa: PLC0415 - only this command needs it
    from dissemination.channels.email.dkim import make_key  # noqa: PLC0415 - only this command needs it

    root = find_root(Path.cwd())
    key, pem = make_key(domain or _sender_domain(root), selector, ed25519=ed25519)
    path = (out or root / "var" / f"dkim-{selector}.pem").absolute()
    _keep(path, pem)
    if as_json:
        print_json(_facts(key, path))
    else:
        _show_record(key, path)
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        _show_settings(key, shown, own=not domain, more=_has_keys(root))


def _email(root: Path) -> Sequence[Mapping[str, Any]]:
    """The sections of email channels."""
    from dissemination.settings import load  # noqa: PLC0415 - only this command needs it

    channels = load(root / "settings.yaml").channels.values()
    return [section.options for section in channels if section.use == "email"]


def _has_keys(root: Path) -> bool:
    return any(options.get("dkim") for options in _email(root))


def _sender_domain(root: Path) -> str:
    senders = [str(options.get("sender", "")) for options in _email(root)]
    if not senders:
        raise SettingsError("dkim-key: settings.yaml has no email channel; add one, or give --domain")
    return senders[0].strip().rpartition("@")[2]


def _keep(path: Path, pem: bytes) -> None:
    """Write a key for its owner's eyes alone; what is there already may be in use."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise WrongUseError(f"dkim-key: {path} is there already; choose another --selector or --out") from None
    with os.fdopen(file, "wb") as stream:
        stream.write(pem)
        stream.flush()
        os.fsync(stream.fileno())


def _facts(key: Key, path: Path) -> dict[str, object]:
    record = key.record()
    return {
        "file": path,
        "algorithm": key.algorithm,
        "bits": key.bits,
        "name": key.name,
        "type": "TXT",
        "value": record,
        "strings": _strings(record, 255),
    }


def _show_record(key: Key, path: Path) -> None:
    kind = "RSA" if key.algorithm == "rsa-sha256" else "Ed25519"
    say(f"Made a key ({kind}, {key.bits} bits); keep it like a password:")
    say_path(path)
    say("\n[bold]In DNS[/bold], for a form on the web: type TXT, this name and this value")
    _say_whole(f"{key.name}\n{key.record()}")
    say("\nor, for a zone file:")
    strings = "\n".join(f'  "{string}"' for string in _strings(key.record(), _STRING))
    _say_whole(f"{key.name}. IN TXT (\n{strings}\n)")


def _show_settings(key: Key, path: Path, *, own: bool, more: bool) -> None:
    """What settings.yaml needs; the sender's own domain need not be said, nor `dkim:` where keys are."""
    where = "below the keys of dkim, which stay" if more else "below channels and email"
    say(f"\n[bold]In settings.yaml[/bold], {where}:")
    domain = "" if own else f"        domain: {key.domain}\n"
    head = "" if more else "    dkim:\n"
    _say_whole(f"{head}      - selector: {key.selector}\n{domain}        key_file: {path}")
    say("\nThen `disseminate doctor` looks whether the record is there.")


def _say_whole(text: str) -> None:
    """Print text in one piece, so that it can be copied."""
    page().print(safe(text), soft_wrap=True)


def _strings(record: str, size: int) -> list[str]:
    return [record[at : at + size] for at in range(0, len(record), size)]
