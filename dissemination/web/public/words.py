"""What the pages for people say: one table, a language a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class PeopleWords:
    """Every sentence of sign-up, confirmation, preferences and unsubscribing. Holes: {newsletter}, {project}."""

    #: The language of these words.
    lang: str

    # Sign-up
    signup_title: str
    signup_lead: str
    email: str
    email_hint: str
    lists: str
    languages: str
    notice: str
    agree: str
    signup_button: str
    #: Beside a field that people do not see.
    leave_empty: str

    # What is to be corrected
    errors_title: str
    error_email: str
    error_lists: str
    error_agree: str
    error_early: str
    error_late: str
    error_wording: str
    error_date: str
    error_sure: str

    # After it
    sent_title: str
    sent_text: str
    confirm_title: str
    confirm_text: str
    confirm_button: str
    confirmed_title: str
    confirmed_text: str
    to_preferences: str

    # Preferences
    preferences_title: str
    #: Hole: {address}.
    preferences_lead: str
    state_out: str
    language: str
    frequency: str
    frequencies: Mapping[str, str]
    pause: str
    pause_hint: str
    save: str
    saved_title: str
    saved_text: str
    back: str
    export_title: str
    export_text: str
    export_button: str
    erase_title: str
    erase_text: str
    erase_sure: str
    erase_button: str
    erased_title: str
    erased_text: str

    # Leaving
    unsubscribe_title: str
    unsubscribe_text: str
    unsubscribe_button: str
    unsubscribed_title: str
    unsubscribed_text: str

    # What is not there, and what does not work now
    gone_title: str
    gone_text: str
    busy_title: str
    busy_text: str
    many_title: str
    many_text: str
    wrong_title: str
    wrong_text: str


_ENGLISH = PeopleWords(
    lang="en",
    signup_title="Subscribe to {newsletter}",
    signup_lead="We send you a mail with a link. Only when you have confirmed there do you get letters.",
    email="E-mail address",
    email_hint="Such as ana@example.org",
    lists="What would you like to get?",
    languages="Language of the letters",
    notice="What happens with your data",
    agree="Yes, I agree",
    signup_button="Subscribe",
    leave_empty="Leave this field empty",
    errors_title="Please correct this:",
    error_email="This is no e-mail address. Write it like ana@example.org.",
    error_lists="Choose at least one.",
    error_agree="Without your yes we may not write to you.",
    error_early="That was quick. Please press the button once more.",
    error_late="This page was open for a long time. Please press the button once more.",
    error_wording="The words about your data have changed meanwhile. Please read them and press the button "
    "once more.",
    error_date="This is no date in the coming year. Write it like 2027-01-31, or leave it empty.",
    error_sure="Tick this box if you are sure.",
    sent_title="Look into your mailbox",
    sent_text="If the address is right, a mail with a link is on its way. Open it and press the button there. "
    "If nothing comes within an hour, look into the folder for spam. We send one such mail a day at most.",
    confirm_title="Confirm your subscription",
    confirm_text="You asked for letters of {project}:",
    confirm_button="Yes, I want these letters",
    confirmed_title="You are subscribed",
    confirmed_text="Thank you. In every letter there is a link with which you can leave at once.",
    to_preferences="Your preferences",
    preferences_title="Your preferences",
    preferences_lead="For the address {address}.",
    state_out="You get no letters at the moment. Choose a list to get some again.",
    language="Language",
    frequency="How often?",
    frequencies={"each": "Each item", "weekly": "Once a week", "monthly": "Once a month"},
    pause="No letters until",
    pause_hint="Leave it empty for no pause. It holds from the next edition on.",
    save="Save",
    saved_title="Saved",
    saved_text="It holds from now on.",
    back="Back to your preferences",
    export_title="Your data",
    export_text="Everything that we keep about you, as a file (JSON).",
    export_button="Download my data",
    erase_title="Erase me",
    erase_text="Your address and everything that belongs to it are deleted. What stays is a keyed code, so that "
    "nobody puts you on a list again; it does not tell your address.",
    erase_sure="I am sure",
    erase_button="Erase me",
    erased_title="You are erased",
    erased_text="Nothing that names you is kept. Who wants to may subscribe again at any time.",
    unsubscribe_title="Unsubscribe",
    unsubscribe_text="You will get no more letters from {project}.",
    unsubscribe_button="Unsubscribe",
    unsubscribed_title="You are unsubscribed",
    unsubscribed_text="You get no more letters from {project}.",
    gone_title="There is nothing here",
    gone_text="The link is not complete, too old, or was used up. Open the one in the newest letter.",
    busy_title="Not now, please",
    busy_text="Nothing was changed. Please try again in a few minutes.",
    many_title="Too many at the moment",
    many_text="Nothing was changed. Please try again in an hour.",
    wrong_title="This cannot be done",
    wrong_text="Nothing was changed. Please go back, and try again.",
)
_WORDS: Mapping[str, PeopleWords] = {"en": _ENGLISH}


def people_words(lang: str) -> PeopleWords:
    """The words of a language; English where there are none."""
    return _WORDS.get(lang.partition("-")[0].lower(), _ENGLISH)
