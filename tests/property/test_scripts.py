"""Whatever a campaign's script is: if it can be saved, nothing of the debt is in what whoever answers may hear."""

from hypothesis import given
from hypothesis import strategies as st

from dialer.calls.script import FOR_ANYONE, FOR_THE_PERSON, Speaker, problems_of, render
from dialer.model.campaign import CampaignSettings
from dialer.model.collecting import LocalText, Script
from dialer.model.contact import Contact, FieldValue

PRIVATE = ("77.70", "C§SECRET", "P§SECRET", "2031", "M§SECRET", "91")
FIELDS: dict[str, FieldValue] = {"amount": "77.7", "due_date": "2031-01-01", "days_overdue": 91, "memo": "M§SECRET"}
CONTACT = Contact(1, 1, "person", "C§SECRET", "王芳", fields=FIELDS)
SETTINGS = CampaignSettings(creditor="bank", product="P§SECRET")
SPEAKER = Speaker("李娜", "138****0000")

names = st.sampled_from([*sorted(FOR_ANYONE | FOR_THE_PERSON), "field.memo", "field.amount", "field.", "", "nobody"])
pieces = st.one_of(names.map(lambda name: f"{{{name}}}"), st.text("您好 {}.abc", max_size=6))
words = st.lists(pieces, max_size=5).map("".join)
texts = st.builds(LocalText, words, words)
scripts = st.builds(Script, texts, texts, texts, texts)


@given(scripts)
def test_a_script_that_can_be_saved_tells_others_nothing(script: Script) -> None:
    shown = render(script, SETTINGS, CONTACT, SPEAKER, is_open=False)
    assert (shown.after_identity, shown.closing) == (LocalText(), LocalText())
    if not problems_of(script):
        heard = "".join((shown.opening.zh, shown.opening.en, shown.third_party.zh, shown.third_party.en))
        assert [secret for secret in PRIVATE if secret in heard] == []
        assert "{" not in heard


@given(scripts)
def test_the_person_hears_every_word_that_can_be_saved(script: Script) -> None:
    shown = render(script, SETTINGS, CONTACT, SPEAKER, is_open=True)
    if not problems_of(script):
        assert all("{" not in text.zh + text.en for text in (shown.opening, shown.after_identity, shown.closing))
        assert bool(shown.closing.zh) == bool(script.closing.zh or script.closing.en)
