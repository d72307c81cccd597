"""Secrets: read from the outside at the moment of use, and never in a settings file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dissemination.errors import SettingsError
from dissemination.files import read_below
from dissemination.settings.strict import Where

PREFIX = "DISSEMINATION_"
#: The most bytes of a secret's file.
MAX_BYTES = 64 * 1024

#: Key names that hold secrets, after camelCase and dashes are turned into underscores.
_SECRET_KEY = re.compile(
    r"(^|_)(pass(word|wd|phrase|code)|pwd|secrets?|tokens?|credentials?|bearer|(auth|api|access|private|signing|"
    r"encryption|consumer|client)_?keys?|(auth|api|access|client|refresh)_?(secret|token)s?)(_|$)|(^|_)pass$"
)
#: Values that hold secrets: user and password in an address, a token in its query, key blocks, bearer headers.
_SECRET_VALUE = re.compile(
    r"[a-z][a-z0-9+.-]*://[^/\s?#@]+@"
    r"|[?&;](access_token|token|api_?key|apikey|key|secret|password|sig)=[^&\s]"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|^\s*bearer\s+\S{8}",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Secrets:
    """Reads secrets anew at each call, so that a rotated one is taken without a restart.

    Order: a file of the service manager's credentials folder (`$CREDENTIALS_DIRECTORY/dissemination_name`), a file
    named by `DISSEMINATION_NAME_FILE`, the variable `DISSEMINATION_NAME`. No value is ever kept or shown.

    Args:
        environ: usually `os.environ`.
    """

    __slots__ = ("_environ",)

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self.known())})"

    def get(self, name: str) -> str | None:
        """The secret `name` ("X_API_KEY"), without a final newline; None: not set anywhere.

        Raises:
            SettingsError: the file that should hold it cannot be read.
        """
        variable = PREFIX + name.upper()
        return self._granted(variable.lower()) or self._filed(variable) or self._environ.get(variable) or None

    def known(self) -> tuple[str, ...]:
        """Names, not values, of the secrets that are set; sorted, without the prefix."""
        names = {
            key.removesuffix("_FILE") for key, value in self._environ.items() if key.startswith(PREFIX) and value
        }
        folder = self._environ.get("CREDENTIALS_DIRECTORY", "")
        if folder and Path(folder).is_dir():
            names |= {path.name.upper() for path in Path(folder).iterdir() if path.name.isascii()}
        return tuple(sorted(name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)))

    def _granted(self, name: str) -> str | None:
        folder = self._environ.get("CREDENTIALS_DIRECTORY", "")
        if not folder or not (Path(folder) / name).exists():
            return None
        return _read(Path(folder) / name, f"$CREDENTIALS_DIRECTORY/{name}")

    def _filed(self, variable: str) -> str | None:
        path = self._environ.get(f"{variable}_FILE", "")
        return _read(Path(path), f"{variable}_FILE") if path else None


def _read(path: Path, source: str) -> str:
    """The text of a secret's file.

    Links are followed here: container platforms hand over secrets as links, and the path comes from the operator.
    """
    try:
        real = path.resolve(strict=True)
        return (
            read_below(real.parent, real.name, limit=MAX_BYTES)
            .decode("utf-8")
            .removesuffix("\n")
            .removesuffix("\r")
        )
    except UnicodeDecodeError:
        raise SettingsError(f"{source}: {path} is not text in UTF-8; write the secret into it as text") from None
    except Exception as error:
        # Missing, denied, a folder, too large: whatever it is, the officer needs the name and the reason.
        raise SettingsError(f"{source}: cannot read {path}: {error}; check the path and its permissions") from error


def looks_secret(key: str) -> bool:
    """Whether a key's name says that its value is a secret."""
    return _SECRET_KEY.search(re.sub(r"[^a-z0-9]+", "_", _CAMEL.sub("_", key).lower())) is not None


def exposed(value: Any, where: Where = ()) -> Iterator[Where]:
    """Paths of all keys and values in plain data that look like secrets."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if looks_secret(key):
                yield (*where, key)
            else:
                yield from exposed(inner, (*where, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from exposed(inner, (*where, place))
    elif isinstance(value, str) and _SECRET_VALUE.search(value):
        yield where


#: Beginning of a path, what the key must hold, and the secret that is read in its stead.
_KNOWN_SECRETS = (
    (("store",), "", "DATABASE_URL"),
    (("channels", "email", "dkim"), "", "DKIM_KEY"),
    (("channels", "email"), "pass", "SMTP_PASSWORD"),
    (("bounces", "imap"), "pass", "IMAP_PASSWORD"),
    (("notify",), "secret", "WEBHOOK_SECRET"),
)


def variable_for(where: Where) -> str:
    """The environment variable that should carry what stands at `where`."""
    names = [str(part) for part in where if isinstance(part, str)]
    for start, part, secret in _KNOWN_SECRETS:
        if tuple(names[: len(start)]) == start and part in names[-1].lower():
            return PREFIX + secret
    tail = names[1:] if names[:1] == ["channels"] else names[-2:]
    return PREFIX + re.sub(r"[^A-Z0-9]+", "_", _CAMEL.sub("_", "_".join(tail)).upper()).strip("_")
