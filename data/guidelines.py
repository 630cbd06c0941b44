"""The labelling guidelines of the shield corpus, adapted to another target."""

import re

SHIELD = re.compile(r"the missile shield \(.*?\)", re.S)
QUOTED = re.compile(r'("[^"]*"|`[^`]*`)')
OWN_RULES = frozenset({"22", "28"})
"""Rules that are about the shield and nothing else; their numbers stay free for rules of the new issue."""

NOTE = """\
These are the rules that two annotators of the missile-shield corpus needed, reworded for {target}. The quoted examples are still
theirs: put your own in their place, and add a rule whenever two annotators disagree for a reason.
"""


def adapt_guidelines(text: str, target: str) -> str:
    """Return guidelines that ask about `target`: outside quotations the shield's name is replaced, rules about it alone are emptied."""
    title, _, body = text.partition("\n")
    body = SHIELD.sub(f"{target} (say here in a sentence what belongs to it and what does not)", body)
    body = "".join(part if part.startswith(('"', "`")) else _rename(part, target) for part in QUOTED.split(body))
    return f"{title} toward {target}\n\n{NOTE.format(target=target)}{_without_own_rules(body)}"


def _rename(text: str, target: str) -> str:
    return re.sub(r"\bthe (?:missile )?shield\b", target, text).replace(" (Iran)", "").replace(" (Alaska, a national system)", "")


def _without_own_rules(text: str) -> str:
    """Empty the rules of `OWN_RULES`; a rule ends where the next number, a heading or a blank line begins."""
    numbers = "|".join(sorted(OWN_RULES))
    return re.sub(rf"^({numbers})\. .*?(?=^\d+\. |^#|^\s*$)", r"\1. (a rule of your own)\n", text, flags=re.M | re.S)
