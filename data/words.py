"""Word lists of English news: which adjectives mean which state, which titles and roles people carry, which verbs report speech."""

DEMONYMS = {
    "Afghan": "Afghanistan", "Albanian": "Albania", "Algerian": "Algeria", "American": "United States", "Angolan": "Angola",
    "Argentine": "Argentina", "Armenian": "Armenia", "Australian": "Australia", "Austrian": "Austria", "Azerbaijani": "Azerbaijan",
    "Bahraini": "Bahrain", "Bangladeshi": "Bangladesh", "Belarusian": "Belarus", "Belgian": "Belgium", "Beninese": "Benin",
    "Bhutanese": "Bhutan", "Bolivian": "Bolivia", "Bosnian": "Bosnia and Herzegovina", "Botswanan": "Botswana", "Brazilian": "Brazil",
    "British": "United Kingdom", "Bruneian": "Brunei", "Bulgarian": "Bulgaria", "Burmese": "Myanmar", "Burundian": "Burundi",
    "Cambodian": "Cambodia", "Cameroonian": "Cameroon", "Canadian": "Canada", "Chadian": "Chad", "Chilean": "Chile", "Chinese": "China",
    "Colombian": "Colombia", "Congolese": "Congo", "Costa Rican": "Costa Rica", "Croatian": "Croatia", "Cuban": "Cuba",
    "Cypriot": "Cyprus", "Czech": "Czech Republic", "Danish": "Denmark", "Djiboutian": "Djibouti", "Dutch": "Netherlands",
    "Ecuadorian": "Ecuador", "Egyptian": "Egypt", "Emirati": "United Arab Emirates", "Eritrean": "Eritrea", "Estonian": "Estonia",
    "Ethiopian": "Ethiopia", "Fijian": "Fiji", "Finnish": "Finland", "French": "France", "Gabonese": "Gabon", "Gambian": "Gambia",
    "Georgian": "Georgia", "German": "Germany", "Ghanaian": "Ghana", "Greek": "Greece", "Guatemalan": "Guatemala", "Guinean": "Guinea",
    "Guyanese": "Guyana", "Haitian": "Haiti", "Honduran": "Honduras", "Hungarian": "Hungary", "Icelandic": "Iceland", "Indian": "India",
    "Indonesian": "Indonesia", "Iranian": "Iran", "Iraqi": "Iraq", "Irish": "Ireland", "Israeli": "Israel", "Italian": "Italy",
    "Ivorian": "Ivory Coast", "Jamaican": "Jamaica", "Japanese": "Japan", "Jordanian": "Jordan", "Kazakh": "Kazakhstan",
    "Kenyan": "Kenya", "Kosovar": "Kosovo", "Kuwaiti": "Kuwait", "Kyrgyz": "Kyrgyzstan", "Laotian": "Laos", "Latvian": "Latvia",
    "Lebanese": "Lebanon", "Liberian": "Liberia", "Libyan": "Libya", "Lithuanian": "Lithuania", "Luxembourgish": "Luxembourg",
    "Macedonian": "North Macedonia", "Malagasy": "Madagascar", "Malawian": "Malawi", "Malaysian": "Malaysia", "Maldivian": "Maldives",
    "Malian": "Mali", "Maltese": "Malta", "Mauritanian": "Mauritania", "Mexican": "Mexico", "Moldovan": "Moldova",
    "Mongolian": "Mongolia", "Montenegrin": "Montenegro", "Moroccan": "Morocco", "Mozambican": "Mozambique", "Namibian": "Namibia",
    "Nepalese": "Nepal", "Nicaraguan": "Nicaragua", "Nigerian": "Nigeria", "Nigerien": "Niger", "North Korean": "North Korea",
    "Norwegian": "Norway", "Omani": "Oman", "Pakistani": "Pakistan", "Palestinian": "Palestine", "Panamanian": "Panama",
    "Paraguayan": "Paraguay", "Peruvian": "Peru", "Philippine": "Philippines", "Polish": "Poland", "Portuguese": "Portugal",
    "Qatari": "Qatar", "Romanian": "Romania", "Russian": "Russia", "Rwandan": "Rwanda", "Salvadoran": "El Salvador",
    "Saudi": "Saudi Arabia", "Senegalese": "Senegal", "Serbian": "Serbia", "Sierra Leonean": "Sierra Leone", "Singaporean": "Singapore",
    "Slovak": "Slovakia", "Slovenian": "Slovenia", "Somali": "Somalia", "South African": "South Africa", "South Korean": "South Korea",
    "South Sudanese": "South Sudan", "Spanish": "Spain", "Sri Lankan": "Sri Lanka", "Sudanese": "Sudan", "Surinamese": "Suriname",
    "Swedish": "Sweden", "Swiss": "Switzerland", "Syrian": "Syria", "Taiwanese": "Taiwan", "Tajik": "Tajikistan", "Tanzanian": "Tanzania",
    "Thai": "Thailand", "Togolese": "Togo", "Tunisian": "Tunisia", "Turkish": "Turkey", "Turkmen": "Turkmenistan", "Ugandan": "Uganda",
    "Ukrainian": "Ukraine", "Uruguayan": "Uruguay", "Uzbek": "Uzbekistan", "Venezuelan": "Venezuela", "Vietnamese": "Vietnam",
    "Yemeni": "Yemen", "Zambian": "Zambia", "Zimbabwean": "Zimbabwe",
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
    "Lieutenant Colonel|General|general|Gen\\.|Colonel|Col\\.|Admiral|Adm\\.|Vice Admiral|Rear Admiral|Lt\\.|Maj\\.|Capt\\.|"
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
