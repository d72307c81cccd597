"""What sign-up, preferences and unsubscribing say, on pages and in mails: English here, the rest in catalogues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class PeopleWords:
    """Every sentence of the pages for people. Holes: {newsletter}, {project}, {address}."""

    #: The code of the language that these words are in: "de" where they are German.
    lang: str = "en"
    signup_title: str = "Subscribe to {newsletter}"
    signup_lead: str = "We send you a mail with a link. Only when you have confirmed there do you get letters."
    email: str = "E-mail address"
    email_hint: str = "Such as ana@example.org"
    lists: str = "What would you like to get?"
    languages: str = "Language of the letters"
    notice: str = "What happens with your data"
    agree: str = "Yes, I agree"
    signup_button: str = "Subscribe"
    #: Beside a field that people do not see.
    leave_empty: str = "Leave this field empty"
    errors_title: str = "Please correct this:"
    error_email: str = "This is no e-mail address. Write it like ana@example.org."
    error_lists: str = "Choose at least one."
    error_agree: str = "Without your yes we may not write to you."
    error_early: str = "That was quick. Please press the button once more."
    error_late: str = "This page was open for a long time. Please press the button once more."
    error_wording: str = (
        "The words about your data have changed meanwhile. Please read them and press the button once more."
    )
    error_date: str = "This is no date in the coming year. Write it like 2027-01-31, or leave it empty."
    error_sure: str = "Tick this box if you are sure."
    sent_title: str = "Look into your mailbox"
    sent_text: str = (
        "If the address is right, a mail with a link is on its way. Open it and press the "
        "button there. If nothing comes within an hour, look into the folder for spam. We "
        "send one such mail a day at most."
    )
    confirm_title: str = "Confirm your subscription"
    confirm_text: str = "You asked for letters of {project}:"
    confirm_button: str = "Yes, I want these letters"
    confirmed_title: str = "You are subscribed"
    confirmed_text: str = "Thank you. In every letter there is a link with which you can leave at once."
    to_preferences: str = "Your preferences"
    preferences_title: str = "Your preferences"
    preferences_lead: str = "For the address {address}."
    state_out: str = "You get no letters at the moment. Choose a list to get some again."
    language: str = "Language"
    frequency: str = "How often?"
    each: str = "Each item"
    weekly: str = "Once a week"
    monthly: str = "Once a month"
    pause: str = "No letters until"
    pause_hint: str = "Leave it empty for no pause. It takes effect at once."
    save: str = "Save"
    saved_title: str = "Saved"
    saved_text: str = "It holds from now on."
    back: str = "Back to your preferences"
    export_title: str = "Your data"
    export_text: str = "Everything that we keep about you, as a file (JSON)."
    export_button: str = "Download my data"
    erase_title: str = "Erase me"
    erase_text: str = (
        "Your address and everything that belongs to it are deleted. What stays is a keyed "
        "code, so that nobody puts you on a list again; it does not tell your address."
    )
    erase_sure: str = "I am sure"
    erase_button: str = "Erase me"
    erased_title: str = "You are erased"
    erased_text: str = "Nothing that names you is kept. Who wants to may subscribe again at any time."
    unsubscribe_title: str = "Unsubscribe"
    unsubscribe_text: str = "You will get no more letters from {project}."
    unsubscribe_button: str = "Unsubscribe"
    unsubscribed_title: str = "You are unsubscribed"
    unsubscribed_text: str = "You get no more letters from {project}."
    gone_title: str = "There is nothing here"
    gone_text: str = "The link is not complete, too old, or was used up. Open the one in the newest letter."
    busy_title: str = "Not now, please"
    busy_text: str = "Nothing was changed. Please try again in a few minutes."
    many_title: str = "Too many at the moment"
    many_text: str = "Nothing was changed. Please try again in an hour."
    wrong_title: str = "This cannot be done"
    wrong_text: str = "Nothing was changed. Please go back, and try again."

    @property
    def frequencies(self) -> Mapping[str, str]:
        """How often letters come: key -> words."""
        return {"each": self.each, "weekly": self.weekly, "monthly": self.monthly}


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitorWords:
    """Mails and notices of sign-up. Holes such as {newsletter}, {project}, {controller}, {days}, {url}."""

    consent: str = (
        "I agree that {project} sends me {newsletter} by e-mail. I can take this back at any "
        "time, with one click in every letter."
    )
    controller: str = "Responsible for your data: {controller}. Contact: {contact}."
    purposes: str = "What your data are for: {purposes}."
    legal_basis: str = "Legal basis: {legal_basis}."
    recipients: str = "Who else receives them: {recipients}."
    transfers: str = "Transfers to other countries: {transfers}."
    keep: str = (
        "How long they are kept: until you leave, and {days} days more; then only a keyed "
        "code of your address stays, so that nobody writes to it again. Sign-ups that nobody "
        "confirms are deleted after {unconfirmed} days."
    )
    rights: str = (
        "Your rights: you can see, correct, export and delete your data, limit or object to "
        "their use, and complain to a data protection authority."
    )
    no_tracking: str = "We do not watch whether you open letters or what you click."
    subject: str = "Please confirm: {newsletter}"
    text: str = (
        "Hello,\n\nsomebody, we hope it was you, asked for {newsletter} of {project} at this "
        "address.\n\nTo confirm, open this page and press the button there:\n\n{url}\n\nThe link is "
        "good for 7 days.\n\nIf it was not you, there is nothing to do: without your yes you "
        "will get no letters, and the address is deleted.\n\n{controller}\n"
    )
