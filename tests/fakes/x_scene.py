"""The scene for the channel `x`: what it says, and the official document that holds the stand-in to account."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import jsonschema

from dissemination.model import PostPicture
from dissemination.testing import sample_message, sample_picture, sample_post

#: X's own OpenAPI document, beside the checkout; tests go without it where it is not there.
DOCUMENT = Path(__file__).parents[3] / "shared" / "data" / "x-openapi.json"
UPLOAD = "POST /2/media/upload"
DESCRIBE = "POST /2/media/metadata"
POST = "POST /2/tweets"
REPLY = f"{POST} (reply)"
ME = "GET /2/users/me"
TIMELINE = "GET /2/users/4711/tweets"
NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
SINCE = datetime(2026, 11, 1, tzinfo=UTC)
DELETE = "DELETE /2/tweets/:id"


@cache
def _document():
    return json.loads(DOCUMENT.read_bytes()) if DOCUMENT.is_file() else None


class OpenAPI:
    """Holds requests and answers to the document."""

    @classmethod
    def known(cls):
        """A new witness; None: the document is not there."""
        return cls(_document()) if _document() else None

    def __init__(self, document):
        self.document = document
        self.seen = set()

    def __call__(self, method, path, query, body, status, answer):  # noqa: PLR0917 - the shape of Witness
        template = next(one for one in self.document["paths"] if self._matches(one, path))
        operation = self.document["paths"][template][method.lower()]
        self.seen.add(operation["operationId"])
        known = {one["name"]: one["schema"] for one in map(self._resolved, operation.get("parameters", []))}
        for name, value in query.items():
            self._valid(self._read(value, known[name]), known[name])
        if "requestBody" in operation:
            self._valid(body, operation["requestBody"]["content"]["application/json"]["schema"])
        else:
            assert body is None
        if 200 <= status < 300:  # refusals are not what the document says, and 0 is no answer
            self._valid(answer, operation["responses"][str(status)]["content"]["application/json"]["schema"])

    @staticmethod
    def _matches(template, path):
        return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)

    @staticmethod
    def _read(value, schema):
        if schema["type"] == "array":
            return value.split(",")
        return int(value) if schema["type"] == "integer" else value

    def _resolved(self, parameter):
        name = parameter.get("$ref", "").removeprefix("#/components/parameters/")
        return self.document["components"]["parameters"][name] if name else parameter

    def _valid(self, value, schema):
        jsonschema.validate(value, {**schema, "components": self.document["components"]})


def message(
    text="Partners meet in Paris https://news.example.eu/en/news/third-meeting/ #InterregEurope", **changes
):
    return sample_message(sample_post(network="x", text=text), key="third-meeting:x:1", **changes)


def pictured(text="A picture from Paris", *alts, **changes):
    """A message with a picture for each alternative text, which differ; with one, where none is given."""
    pictures = [sample_picture((20, 90, 10 * number)) for number, _ in enumerate(alts or ("Twelve people",))]
    shown = tuple(
        PostPicture(digest=picture.digest, alt=alt)
        for picture, alt in zip(pictures, alts or ("Twelve people",), strict=True)
    )
    one = message(text, pictures={picture.digest: picture for picture in pictures}, **changes)
    return replace(one, body=replace(one.body, pictures=shown))


def send(channel, one):
    return channel.send(one, key=one.key)


def find(channel, one, since=SINCE):
    return channel.find(one, key=one.key, since=since)
