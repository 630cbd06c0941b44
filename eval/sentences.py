"""The sentences that a page shows: text cut at its actor spans, with gold and predicted stances."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from data.items import Item
from eval.metrics import Ints
from eval.systems import Split, System, stance_name

MAX_BYTES = 4_500_000
"""Room for sentences in one page, so that it opens quickly and stays under 10 MB."""


def browser_sentences(split: Split, systems: Sequence[System], room: int = MAX_BYTES) -> dict[str, Any]:
    """Return the sentences of a split as rows for the browser, in document order.

    Where they do not all fit into `room` bytes, sentences with a wrong answer come first; `shown` of `total` says so.
    """
    members: dict[tuple[str, int, str], list[int]] = {}
    for index, item in enumerate(split.items):
        members.setdefault((item.doc_id, item.sent_id, item.text), []).append(index)
    groups = [np.array(index) for index in members.values()]
    wrong = np.any([system.vote != split.gold for system in systems], axis=0)
    order = sorted(range(len(groups)), key=lambda each: not wrong[groups[each]].any())
    rows: dict[int, dict[str, Any]] = {}
    used = 0
    for each in order:
        row = sentence_row(split, systems, groups[each])
        used += row_bytes(row)
        if used > room:
            break
        rows[each] = row
    return {"shown": len(rows), "total": len(groups), "rows": [rows[each] for each in sorted(rows)]}


def row_bytes(row: dict[str, Any]) -> int:
    """Return the size of a row in a page."""
    return len(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()) + 1


def sentence_row(split: Split, systems: Sequence[System], index: Ints) -> dict[str, Any]:
    """Return one sentence: its parts, and for each actor the gold stance and what every system says."""
    items = [split.items[each] for each in index]
    first = items[0]
    return {
        "doc": first.doc_id,
        "sent": first.sent_id,
        "title": first.title,
        "genre": first.genre,
        "phenomena": list(first.phenomena),
        "parts": cut_at_spans(first.text, items),
        "actors": [
            {
                "actor": item.actor,
                "mention": item.mention,
                "gold": item.stance,
                "says": [_says(system, int(each)) for system in systems],
            }
            for item, each in zip(items, index, strict=True)
        ],
    }


def _says(system: System, index: int) -> dict[str, Any]:
    vote = int(system.vote[index])
    return {
        "pred": stance_name(vote),
        "confidence": None if system.probs is None else round(float(system.mean_probs[index, vote]), 3),
        "agreement": round(float(system.votes[index, vote] / len(system.seeds)), 3),
    }


def cut_at_spans(text: str, items: Sequence[Item]) -> list[str | list[Any]]:
    """Cut a text into plain strings and ``[item number, mention]`` pairs; a span that overlaps an earlier one is skipped."""
    parts: list[str | list[Any]] = []
    position = 0
    for number in sorted(range(len(items)), key=lambda each: (items[each].start, items[each].end)):
        start, end = items[number].start, items[number].end
        if start < position:
            continue
        if start > position:
            parts.append(text[position:start])
        parts.append([number, text[start:end]])
        position = end
    if position < len(text):
        parts.append(text[position:])
    return parts
