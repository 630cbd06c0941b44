import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.markup import MarkedText, MarkupError, Mention, format_line, parse_line


def test_a_line_comes_apart_into_text_mentions_and_phenomena() -> None:
    marked = parse_line(
        "[Moscow](russia: against) told [Prague](czech-government: neutral) [it](russia) objects. <!-- metonymy, coreference -->"
    )
    assert marked.text == "Moscow told Prague it objects."
    assert marked.phenomena == ("metonymy", "coreference")
    assert [(m.text, m.actor, m.stance) for m in marked.mentions] == [
        ("Moscow", "russia", "against"),
        ("Prague", "czech-government", "neutral"),
        ("it", "russia", None),
    ]
    assert all(marked.text[m.start : m.end] == m.text for m in marked.mentions)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[Moscow](russia: agianst) objects.", "did you mean 'against'"),
        ("[Moscow] objects.", "stray '['"),
        ("[[Moscow](russia: against)", "stray '['"),
        ("Moscow] objects.", "stray ']'"),
        ("[Moscow](: against) objects.", "not an actor id"),
        ("[Moscow](Russia: against) objects.", "not an actor id"),
        ("[Moscow](russia: against) and [Russia](russia: neutral).", "labelled twice"),
        ("[It](russia) objects.", "without a stance"),
        ("[Moscow](russia: against) objects. <!-- metonomy -->", "did you mean 'metonymy'"),
    ],
)
def test_faulty_markup_is_refused_with_a_reason(line: str, message: str) -> None:
    with pytest.raises(MarkupError, match=message.replace("[", r"\[").replace("]", r"\]")):
        parse_line(line)


def test_brackets_in_the_text_are_escaped() -> None:
    line = r"\[sic\] said [the \[new\] minister](minister: neutral) \\"
    marked = parse_line(line)
    assert marked.text == "[sic] said the [new] minister \\"
    assert format_line(marked) == line


text = st.text(st.characters(blacklist_characters="\n\r<>", blacklist_categories=("Cs",)), max_size=20)


@given(text, text.filter(bool), text.map(str.strip), st.sampled_from(["against", "neutral", "favor"]))
def test_formatting_and_parsing_are_inverse(before: str, name: str, after: str, stance: str) -> None:
    mention = Mention(len(before), len(before) + len(name), name, "x", stance)  # type: ignore[arg-type]
    marked = MarkedText(before + name + after, (mention,), ("irony",))
    assert parse_line(format_line(marked)) == marked


@given(st.text(max_size=60))
def test_any_text_parses_or_is_refused(line: str) -> None:
    try:
        marked = parse_line(line)
    except MarkupError:
        return
    assert all(marked.text[m.start : m.end] == m.text for m in marked.mentions)


def test_a_long_run_of_spaces_is_read_at_once() -> None:
    started = time.process_time()
    assert parse_line("[Arvon](arvon: favor)" + " " * 200_000 + "signed.").text.endswith("signed.")
    assert time.process_time() - started < 1
