"""The phrase table itself, and that a broken one is refused by name."""

import pytest
from ruamel.yaml import YAML

from codetune.core.errors import UserError
from codetune.data.augment.inflection import gerund, plural, third_person
from codetune.data.augment.phrases import Role, all_phrases
from codetune.data.augment.protection import MASK
from codetune.data.augment.table import HELD_OUT_FILE, TABLE_FILE, load_table


def test_every_phrase_has_something_else_to_say(table):
    for phrase in all_phrases(table):
        assert phrase.alternatives, phrase
        assert phrase.surface not in phrase.alternatives, phrase


def test_forms_keep_their_inflection(table):
    """Third person stays third person, a plural a plural, a capital a capital, for every phrase of the table."""
    allowed = {
        Role.THIRD: {third_person(verb) for group in table.verbs for verb in (*group.say, *group.also)},
        Role.GERUND: {gerund(verb) for group in table.verbs for verb in (*group.say, *group.also)},
        Role.BASE: {verb for group in table.verbs for verb in (*group.say, *group.also)},
    }
    for phrase in all_phrases(table):
        if phrase.role in allowed:
            shown = {text[0].lower() + text[1:] for text in (phrase.surface, *phrase.alternatives)}
            assert shown <= allowed[phrase.role], phrase
        if phrase.role not in (Role.LEAD, Role.LEAD_NOUN):
            assert {text[0].isupper() for text in phrase.alternatives} == {phrase.surface[0].isupper()}, phrase


def test_plurals_are_replaced_by_plurals(table):
    several = {plural(noun) for group in table.nouns for noun in (*group.say, *group.also)}
    phrases = {phrase.surface: phrase for phrase in all_phrases(table)}
    assert set(phrases["dictionaries"].alternatives) == {"dicts"}
    assert set(phrases["directories"].alternatives) <= several


def test_articles_agree(table):
    phrases = {phrase.surface: set(phrase.alternatives) for phrase in all_phrases(table)}
    assert phrases["an additional"] == {"an extra", "a further"}
    assert phrases["A given"] == {"A specified", "A supplied", "A provided"}
    assert "Implement an asynchronous method in Python named" in phrases["Write an asynchronous Python method"]


def put_in(table):
    """All that a table may put in, but for what stands in every instruction."""
    usual = {"Write {python}", "of class", "with {parameters}"}
    frames = [frame for part in table.frames() for frame in part]
    groups = [phrase for group in table.groups() for phrase in (group.also if len(group.say) == 1 else group.say)]
    more = [phrase for group in table.groups() for phrase in group.also]
    return {*frames, *groups, *more} - usual


def test_held_out_wordings_are_never_trained_on(table):
    held_out = load_table(HELD_OUT_FILE)
    assert all(len(group.say) == 1 for group in held_out.groups()), "what is found in prompts is never put in"
    trained = put_in(table) | {phrase for group in table.groups() for phrase in group.say}
    assert not put_in(held_out) & trained
    assert len(put_in(held_out)) > 80


def broken(tmp_path, change):
    content = YAML(typ="safe").load(TABLE_FILE.read_text(encoding="utf-8"))
    change(content)
    path = tmp_path / "phrases.yaml"
    with path.open("w", encoding="utf-8") as stream:
        YAML().dump(content, stream)
    return path


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda content: content["phrases"].append(["instead of", "in place of"]), "'instead of' contains"),
        (lambda content: content["phrases"].append(["at the first go", "at once"]), "'at the first go' contains"),
        (lambda content: content["phrases"].append(["self_made", "made"]), "'self_made' contains"),
        (
            lambda content: content["phrases"].append(["at least", "at most"]),
            "'at least' and 'at most' do not contain the",
        ),
        (lambda content: content["verbs"].append(["return", "yield"]), "'return' is in `say` of 2 groups"),
        (lambda content: content["nouns"].append(["lonely"]), "no replacement"),
        (lambda content: content["nouns"].append({"say": ["a"], "or": ["b"]}), "or"),
        (lambda content: content.pop("verbs"), "verbs: Field required"),
        (lambda content: content.update(adverbs=[]), "adverbs"),
        (lambda content: content["phrases"].append([True, "so"]), "phrases"),
    ],
)
def test_broken_table(tmp_path, change, named):
    with pytest.raises(UserError) as caught:
        load_table(broken(tmp_path, change))
    assert named in str(caught.value)
    assert "phrases.yaml" in str(caught.value)


def test_missing_or_unreadable_table(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        load_table(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("verbs: [return", encoding="utf-8")
    with pytest.raises(UserError, match="not valid YAML"):
        load_table(tmp_path / "bad.yaml")


def test_mask_is_no_character_of_the_table():
    assert MASK not in TABLE_FILE.read_text(encoding="utf-8")
