"""Word lists of English news: which adjectives mean which state, which titles and roles people carry, which verbs report speech."""

DEMONYMS = {
    "Afghan": "Afghanistan", "Albanian": "Albania", "American": "United States", "Armenian": "Armenia", "Australian": "Australia",
    "Austrian": "Austria", "Azerbaijani": "Azerbaijan", "Belarusian": "Belarus", "Belgian": "Belgium", "Brazilian": "Brazil",
    "British": "United Kingdom", "Bulgarian": "Bulgaria", "Canadian": "Canada", "Chinese": "China", "Croatian": "Croatia",
    "Cuban": "Cuba", "Czech": "Czech Republic", "Danish": "Denmark", "Dutch": "Netherlands", "Egyptian": "Egypt",
    "Estonian": "Estonia", "Finnish": "Finland", "French": "France", "Georgian": "Georgia", "German": "Germany", "Greek": "Greece",
    "Hungarian": "Hungary", "Indian": "India", "Iranian": "Iran", "Iraqi": "Iraq", "Irish": "Ireland", "Israeli": "Israel",
    "Italian": "Italy", "Japanese": "Japan", "Kazakh": "Kazakhstan", "Latvian": "Latvia", "Libyan": "Libya",
    "Lithuanian": "Lithuania", "Moldovan": "Moldova", "North Korean": "North Korea", "Norwegian": "Norway", "Pakistani": "Pakistan",
    "Polish": "Poland", "Portuguese": "Portugal", "Romanian": "Romania", "Russian": "Russia", "Saudi": "Saudi Arabia",
    "Serbian": "Serbia", "Slovak": "Slovakia", "Slovenian": "Slovenia", "South Korean": "South Korea", "Spanish": "Spain",
    "Swedish": "Sweden", "Swiss": "Switzerland", "Syrian": "Syria", "Turkish": "Turkey", "Ukrainian": "Ukraine",
}  # fmt: skip
"""Adjectives and the registry names of their states."""

ABBREVIATED_STATES = ("US", "U.S.", "UK", "U.K.")
"""Names of states that also stand before a noun as an adjective does."""

HELD = frozenset(
    [
        "anger",
        "anxieties",
        "approach",
        "argument",
        "arguments",
        "assurances",
        "attitude",
        "belief",
        "claim",
        "claims",
        "commitment",
        "complaint",
        "complaints",
        "concern",
        "concerns",
        "condemnation",
        "criticism",
        "demand",
        "demands",
        "desire",
        "determination",
        "disquiet",
        "doubts",
        "eagerness",
        "effort",
        "efforts",
        "fear",
        "fears",
        "fury",
        "hopes",
        "indignation",
        "insistence",
        "interest",
        "intentions",
        "invitation",
        "irritation",
        "objection",
        "objections",
        "offer",
        "offers",
        "opinion",
        "opposition",
        "outrage",
        "participation",
        "plan",
        "plans",
        "pledge",
        "position",
        "pressure",
        "project",
        "proposal",
        "proposals",
        "protest",
        "protests",
        "push",
        "reaction",
        "refusal",
        "rejection",
        "request",
        "reservations",
        "resistance",
        "scheme",
        "scepticism",
        "stance",
        "support",
        "suspicion",
        "suspicions",
        "threat",
        "threats",
        "unease",
        "unhappiness",
        "view",
        "views",
        "warning",
        "warnings",
        "willingness",
        "worries",
    ]
)
"""What an actor holds, says or plans: an adjective before one of these names its holder ("Russian anger"), elsewhere only a kind.

The nouns of one issue ("the American shield") are added by `data/issue.py`.
"""

SPEECH = (
    "said|says|say|told|tells|added|adds|announced|announces|argued|argues|asked|asks|called|calls|claimed|claims|complained|"
    "conceded|confirmed|declared|declares|denied|denies|described|insisted|insists|maintained|noted|observed|promised|replied|"
    "reported|repeated|repeats|reiterated|stated|stressed|suggested|threatened|threatens|urged|urges|vowed|warned|warns|wrote|writes|"
    "acknowledged|admitted|accused|accuses|commented|explained|recalled"
)
DEEDS = (
    "accepted|agreed|agrees|backed|backs|condemned|condemns|demanded|demands|objected|objects|offered|offers|opposed|opposes|"
    "pledged|protested|refused|refuses|rejected|rejects|signed|signs|supported|supports|voted|wants|wanted|welcomed|welcomes"
)

TITLES = (
    "Prime Minister|prime minister|Premier|premier|Chancellor|President|president|Vice President|vice president|Minister|minister|"
    "Secretary of State|secretary of state|Secretary of Defense|Secretary-General|Secretary General|secretary general|Secretary|"
    "secretary|State Secretary|Under-Secretary|Ambassador|ambassador|Envoy|envoy|Spokesman|spokesman|Spokeswoman|spokeswoman|"
    "Senator|Sen\\.|Congressman|Congresswoman|Representative|Rep\\.|Deputy|Delegate|Governor|Mayor|mayor|Speaker|Commissioner|"
    "Chairman|chairman|Chairwoman|Director|director|Leader|leader|Lieutenant General|Major General|Colonel General|"
    "Lieutenant Colonel|General|general|Gen\\.|Lt\\. Gen\\.|Maj\\. Gen\\.|Colonel|Col\\.|Admiral|Adm\\.|Vice Admiral|Rear Admiral|"
    "Air Marshal|Marshal|Major|Captain|Lieutenant|Commander|Commodore|King|Queen|Prince|Princess|Emir|Emperor|Pope|Bishop|"
    "Archbishop|Cardinal|Patriarch|Sir|Lord|Lady|Dame|Mr|Mr\\.|Mrs|Mrs\\.|Ms|Ms\\.|Miss|Dr|Dr\\.|Professor|Prof\\.|Herr|Frau|"
    "Judge|Councillor|Burgomaster"
)
TITLE_MODIFIERS = (
    "former|Former|acting|Acting|outgoing|deputy|Deputy|retired|Retired|first|First|vice|Vice|foreign|Foreign|defence|Defence|"
    "defense|Defense|interior|Interior|finance|Finance|state|State|senior|chief|Chief|opposition|government|Government|"
    "parliamentary|Parliamentary|Foreign Ministry|foreign ministry|Defence Ministry|defence ministry|Air Force|Army|Navy|"
    "Marine Corps|Party|party|group|council|cabinet|press"
)
MALE_TITLES = frozenset(
    ("Mr", "Mr.", "Sir", "Lord", "King", "Prince", "Emir", "Pope", "Herr", "spokesman", "Spokesman", "chairman", "Chairman")
)
FEMALE_TITLES = frozenset(("Mrs", "Mrs.", "Ms", "Ms.", "Miss", "Lady", "Dame", "Queen", "Princess", "Frau", "spokeswoman", "Spokeswoman"))

PERSON_ROLES = (
    "adviser|aide|admiral|ambassador|analyst|archbishop|chairman|chairwoman|chancellor|chief|colonel|commander|delegate|deputy|"
    "diplomat|director|emissary|envoy|expert|general|governor|head|lawmaker|leader|marshal|mayor|minister|negotiator|officer|"
    "official|premier|president|secretary|senator|speaker|spokesman|spokeswoman"
)
GROUP_ROLES = (
    "advisers|aides|admirals|ambassadors|analysts|commanders|critics|delegates|deputies|diplomats|experts|generals|governments|"
    "lawmakers|leaders|mayors|ministers|negotiators|officers|officials|opponents|senators|states|countries|voters|allies|supporters"
)
BODY_ROLES = "administration|army|cabinet|delegation|embassy|general staff|government|ministry|navy|opposition|parliament|senate|side"
ROLE_MODIFIERS = (
    "acting|air|armed|chief|defence|defense|deputy|democratic|economic|energy|environment|executive|finance|first|foreign|former|"
    "interior|junior|justice|key|leading|local|military|national|new|opposition|outgoing|parliamentary|political|presidential|prime|"
    "regional|republican|retired|ruling|secretary|security|senior|several|special|state|top|trade|under|unnamed|vice|war|western|"
    "eastern|European|Western|Eastern|Democratic|Republican|US|U\\.S\\.|Nato|NATO|EU"
)

FUNCTION_WORDS = frozenset(
    [
        "the",
        "of",
        "and",
        "to",
        "in",
        "a",
        "is",
        "was",
        "that",
        "for",
        "it",
        "with",
        "as",
        "on",
        "by",
        "at",
        "from",
        "are",
        "be",
        "this",
        "have",
        "has",
        "had",
        "not",
        "but",
        "which",
        "they",
        "he",
        "she",
        "his",
        "her",
        "their",
        "its",
        "an",
        "or",
        "were",
        "been",
        "will",
        "would",
        "who",
        "said",
        "we",
        "you",
        "i",
        "there",
        "about",
        "more",
        "one",
        "can",
        "could",
        "what",
        "when",
        "if",
        "all",
        "no",
        "so",
        "than",
    ]
)
"""The commonest words of English; a text that lacks them is in another language."""
