from pathlib import Path

import pytest

from data.articles import MentionFinder, article_examples, read_article, split_sentences
from data.errors import InputError
from data.registry import Actor, Registry


@pytest.fixture
def registry() -> Registry:
    actors = [
        Actor(id="russia", name="Russia", kind="state", aliases=("Russia", "Moscow", "Russian Federation")),
        Actor(id="un", name="United Nations", kind="organisation", aliases=("UN", "United Nations")),
        Actor(id="united-states", name="United States", kind="state", aliases=("United States", "US")),
        Actor(id="topolanek", name="Mirek Topolanek", kind="person", aliases=("Mirek Topolanek", "Topolanek")),
    ]
    return {actor.id: actor for actor in actors}


def mentions(registry: Registry, sentence: str) -> list[tuple[str, str]]:
    return [(sentence[m.start : m.end], m.actor) for m in MentionFinder(registry).find(sentence)]


def test_titles_determiners_and_possessives(registry: Registry) -> None:
    sentence = "Czech Prime Minister Mirek Topolanek told the United States that Moscow's fears and UNESCO's were his."
    assert mentions(registry, sentence) == [
        ("Czech Prime Minister Mirek Topolanek", "topolanek"),
        ("the United States", "united-states"),
        ("Moscow", "russia"),
    ]


def test_the_longest_name_wins(registry: Registry) -> None:
    assert mentions(registry, "The Russian Federation left.") == [("The Russian Federation", "russia")]


def test_lines_end_sentences_and_quotes_stay_whole() -> None:
    text = 'RADAR TALKS\nMr. Lund met Gen. Ray on Jan. 3. "We agree," he said.\n\nComments are closed.'
    assert list(split_sentences(text)) == [
        "RADAR TALKS",
        "Mr. Lund met Gen. Ray on Jan. 3.",
        '"We agree," he said.',
        "Comments are closed.",
    ]


def test_an_endless_line_is_cut() -> None:
    assert max(map(len, split_sentences("word " * 5000))) <= 2000


def test_one_row_an_actor_and_sentence_with_the_text_before(registry: Registry) -> None:
    rows = article_examples("Moscow objects. Russia and Moscow told the UN so.", "a", registry, "the shield")
    assert [(row.id, row.mention, row.context) for row in rows] == [
        ("a:1:russia", "Moscow", ""),
        ("a:2:russia", "Russia", "Moscow objects."),
        ("a:2:un", "the UN", "Moscow objects."),
    ]


def test_articles_that_are_none(tmp_path: Path, registry: Registry) -> None:
    for name, content, message in (
        ("empty.txt", b" \n", "empty"),
        ("binary.txt", b"a\x00b", "binary"),
        ("latin.txt", b"caf\xe9", "not UTF-8"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=message):
            read_article(tmp_path / name)


def test_a_registry_without_aliases_finds_nothing_and_says_so() -> None:
    with pytest.raises(InputError, match="no actor has aliases"):
        MentionFinder({"x": Actor(id="x", name="X", kind="state")})
