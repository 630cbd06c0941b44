"""What a hostile text may try in a page, and a check that nothing of it came alive."""

from html.parser import HTMLParser

TEXTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)><svg/onload=alert(1)>',
    "'><a href=javascript:alert(1)>x</a>",
    "</script><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title></textarea><iframe src=//evil.example></iframe>",
    "{{ 7 * 7 }}{% include '/etc/passwd' %}{{ self.__init__.__globals__ }}",
    "]]><!--<script>-->",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<form action=//evil.example><button>x</button></form><base href=//evil.example>",
)
FORBIDDEN = {"iframe", "object", "embed", "base", "link", "frame", "applet", "audio", "video"}
URLS = ("href", "src", "action", "formaction", "xlink:href")


class PageCheck(HTMLParser):
    """Collects what a page of ours never holds."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.scripts += tag == "script" and values.get("type", "") != "application/json"
        if tag in FORBIDDEN or (tag == "meta" and values.get("http-equiv", "").lower() == "refresh"):
            self.found.append(f"<{tag}>")
        self.found += [f"{tag} {name}={value}" for name, value in attrs if name.startswith("on")]
        if tag == "form" and "action" in values:
            self.found.append(f"<form action={values['action']}>")
        for name in URLS:
            url = values.get(name, "").strip().lower()
            if url.startswith(("javascript:", "//")) or (url.startswith("data:") and tag != "img"):
                self.found.append(f"{tag} {name}={url}")


def live_content(page: str) -> list[str]:
    """Return what in a page could act: handlers, frames, forms, foreign addresses, a second script."""
    check = PageCheck()
    check.feed(page)
    check.close()
    if check.scripts > 1:
        check.found.append(f"{check.scripts} scripts")
    if "<script>alert(1)" in page:
        check.found.append("an injected script")
    return check.found
