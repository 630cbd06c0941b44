"""Names of bodies, which say by one of their words what they are: "Green Party", "Bank of Norvia"."""

from data.registry import Kind

KIND_WORDS: dict[Kind, str] = {
    "government": "Government|Cabinet|Ministry|Department|Administration|Treasury|Chancellery",
    "party": "Party|Democrats|Liberals|Conservatives|Socialists|Greens|Movement|Front",
    "organisation": (
        "Agency|Alliance|Assembly|Association|Authority|Bank|Board|Bureau|Centre|Center|Chamber|Church|Club|Commission|Committee|"
        "Company|Confederation|Congress|Corporation|Council|Court|Federation|Forum|Foundation|Fund|Group|Guild|Inc|Institute|"
        "International|League|Ltd|Network|Office|Organisation|Organization|Parliament|Post|Radio|Senate|Service|Society|Times|Trust|Union|University|Watch"
    ),
}
"""Words that end (or, before "of", open) the name of a body, by its kind."""


def kind_of_body(name: str) -> Kind | None:
    """Return the kind of a body whose name says what it is, None for other names."""
    words = name.split()
    for kind, heads in KIND_WORDS.items():
        if words[-1] in heads.split("|") or (len(words) > 1 and words[1] in {"of", "for"} and words[0] in heads.split("|")):
            return kind
    return None
