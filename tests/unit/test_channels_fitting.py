"""What a post must be for a channel to carry it."""

from dataclasses import replace

import pytest

from dissemination.channels.fitting import fitting
from dissemination.errors import RejectedError
from dissemination.model import Carries, Limits, PostPicture
from dissemination.testing import sample_mail, sample_message, sample_picture, sample_post

PICTURE = sample_picture()
LIMITS = Limits(carries=Carries.POST, max_length=300, max_bytes=400, pictures=1, alt_length=20, picture_bytes=1000)


def message(**changes):
    post = sample_post(pictures=(PostPicture(digest=PICTURE.digest, alt="Twelve people"),), **changes)
    return sample_message(post, pictures={PICTURE.digest: PICTURE})


def test_what_fits_is_given_back():
    one = message()
    assert fitting("x", one, LIMITS) is one.body
    assert fitting("x", one, replace(LIMITS, max_length=0, max_bytes=0, alt_length=0, picture_bytes=0)) is one.body


@pytest.mark.parametrize(
    ("limits", "changes", "fault"),
    [
        ({}, {"length": 301}, "301 of 300"),
        ({"max_bytes": 10}, {}, "more than 10 bytes"),
        ({"pictures": 0}, {}, "1 pictures of 0"),
        ({"alt_length": 5}, {}, "more than 5 characters"),
        ({"picture_bytes": 10}, {}, "a picture of more than 10 bytes; make it smaller"),
    ],
)
def test_what_does_not_fit_says_what_to_do(limits, changes, fault):
    with pytest.raises(RejectedError, match=rf"^x: the post .*{fault}"):
        fitting("x", message(**changes), replace(LIMITS, **limits))


def test_a_picture_must_be_there_and_mail_is_no_post():
    with pytest.raises(RejectedError, match="not there"):
        fitting("x", replace(message(), pictures={}), LIMITS)
    with pytest.raises(RejectedError, match="takes posts only"):
        fitting("x", sample_message(sample_mail()), LIMITS)
