"""The corpus of hostile text, one list for every sink, and what parsed HTML may hold.

A payload that would call out does so to `CANARY`, an address of this machine that nothing listens on unless a test
starts a server there and rewrites the port.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

CANARY = "http://127.0.0.1:9"

SCRIPTS = (
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    f"<script src={CANARY}/s.js></script>",
    "</script><script>document.title='pwned'</script>",
    "<script/x>document.title='pwned'</script>",
    "<script\n>document.title='pwned'</script\n>",
    "<<script>document.title='pwned';//<</script>",
    "<script type=module>document.title='pwned'</script>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<svg><script>document.title='pwned'</script></svg>",
    "<svg><script href='data:text/javascript,alert(1)'/></svg>",
    "<math><mtext></mtext><script>alert(1)</script></math>",
    "<style>@import '" + CANARY + "/c.css';</style>",
    "</style><script>document.title='pwned'</script>",
    "</title><script>document.title='pwned'</script>",
    "</textarea><script>document.title='pwned'</script>",
    "--><script>document.title='pwned'</script>",
    "<!--><script>document.title='pwned'</script>-->",
    "]]><script>document.title='pwned'</script>",
    "<![CDATA[<script>document.title='pwned'</script>]]>",
)
HANDLERS = (
    "<img src=x onerror=alert(1)>",
    f"<img src={CANARY}/i.png>",
    "<img src=x onerror=\"document.title='pwned'\">",
    "<img/src/onerror=document.title='pwned'>",
    "<svg onload=document.title='pwned'>",
    "<svg/onload=alert(1)>",
    "<body onload=alert(1)>",
    "<details open ontoggle=document.title='pwned'>",
    "<input autofocus onfocus=document.title='pwned'>",
    "<select autofocus onfocus=alert(1)>",
    "<marquee onstart=alert(1)>",
    f"<video src={CANARY}/v.mp4 autoplay onerror=alert(1)>",
    "<audio src onerror=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<div style='animation-name:x' onanimationstart=alert(1)>",
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    '"><svg onload=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    "` onmouseover=`alert(1)",
    '" autofocus onfocus="document.title=1',
    '" style="position:fixed;inset:0;background:red',
    "<p contenteditable autofocus onfocus=alert(1)>",
    "<a id=x tabindex=1 onfocusin=alert(1)>",
)
URLS = (
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "\x01javascript:alert(1)",
    "vbscript:msgbox(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "data:image/svg+xml,<svg onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    f"<iframe src={CANARY}/f></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    f"<object data={CANARY}/o></object>",
    f"<embed src={CANARY}/e>",
    f"<link rel=stylesheet href={CANARY}/l.css>",
    f"<link rel=prefetch href={CANARY}/p>",
    f"<base href={CANARY}/>",
    f"<meta http-equiv=refresh content='0;url={CANARY}/m'>",
    '<meta http-equiv="Content-Security-Policy" content="default-src *">',
    f"<form action={CANARY}/q><input type=submit></form>",
    f"<button formaction={CANARY}/b>x</button>",
    f"<svg><use href='{CANARY}/u.svg#x'/></svg>",
    f"<svg><image href='{CANARY}/g.svg'/></svg>",
    f"<div style='background:url({CANARY}/d.png)'>x</div>",
    f"<table background={CANARY}/t.png>",
)
TEMPLATES = (
    "{{7*7}}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{x}}{% endfor %}",
    "{# comment #}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{0.__class__}",
    "%s%s%n",
    "{{constructor.constructor('alert(1)')()}}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "[[7*7]]",
)
MARKDOWN = (
    "[x](javascript:alert(1))",
    f"![x]({CANARY}/x.png)",
    f"<{CANARY}/auto>",
    f"{CANARY}/bare",
    "www.example.invalid/bare",
    f"[x]: {CANARY}/ref\n[x]",
    "a | b | c",
    "| --- | --- |",
    "# heading",
    "- item",
    "1. item",
    "> quote",
    "```\ncode\n```",
    "`code`",
    "**bold** __bold__ *em* _em_ ~~del~~",
    "\\<b>x",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "line\n\n<script>alert(1)</script>",
    "    indented code",
    "Setext\n===",
    "---",
    "<details><summary>x</summary></details>",
    "@everyone a@b.example",
)
MATHTEXT = (
    "$\\input{/etc/passwd}$",
    "$\\frac$",
    "$x^2$ and $y",
    "$$$",
    "\\$\\$",
    "$\\mathtt{x$",
    "$" * 41,
    "\\\\$a_b$",
    "$\\left($",
    "100$ or 200$",
)
TERMINAL = (
    "\x1b[31mred\x1b[0m",
    "\x1b[2J\x1b[H",
    "\x1b]0;title\x07",
    "\x1b]8;;http://127.0.0.1:9/\x07link\x1b]8;;\x07",
    "\x1b]52;c;cHduZWQ=\x07",
    "\x9b31mred",
    "\x1bP$q\x1b\\",
    "a\rb",
    "a\x08\x08b",
    "bell\x07",
    "null\x00byte",
    "delete\x7f",
    "\x1b[?1049h",
    "\x85next line",
)
BIDI = (
    "user\u202etxt.exe",
    "\u2066isolate\u2069",
    "\u200fright to left mark",
    "\u061carabic letter mark",
    "zero\u200bwidth\u200cspace",
    "\ufeffbyte order mark",
    "soft\u00adhyphen",
    "\U000e0041\U000e0042 tag characters",
    "line\u2028separator\u2029paragraph",
    "\ud800 lone surrogate",
    "\udfff",
    "\ufffe noncharacter \uffff",
    "\ufdd0",
    "\ue000 private use",
    "Z\u0351\u036b\u0343a\u0329\u0353l\u032e\u0326g\u0323o",
    "\u2067\u202b\u202a\u202d nested",
)
FORMULAS = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    f'=HYPERLINK("{CANARY}","x")',
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    f'=IMPORTXML("{CANARY}","//a")',
    '","=1+1',
)
PATHS = (
    "../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd",
    "file:///etc/passwd",
    "CON",
    "name\x00.html",
    "a/../../b",
    "~root/x",
    ".htaccess",
    "x" * 5000,
    "; rm -rf /",
    "$(id)",
    "`id`",
    "x'; DROP TABLE task_outcome; --",
)

PAYLOADS: tuple[str, ...] = (
    *SCRIPTS,
    *HANDLERS,
    *URLS,
    *TEMPLATES,
    *MARKDOWN,
    *MATHTEXT,
    *TERMINAL,
    *BIDI,
    *FORMULAS,
    *PATHS,
)

_GLOBAL = {"style", "class", "role", "aria-label", "aria-labelledby", "aria-hidden", "tabindex", "lang", "id"}
_SVG = {
    *("width", "height", "viewbox", "xmlns", "fill", "stroke", "d", "opacity", "cx", "cy", "r", "x", "y", "style"),
    *("transform", "clip-path", "href", "stroke-linejoin", "stroke-linecap"),
}
ALLOWED: dict[str, set[str]] = {
    **{
        name: set()
        for name in (
            *("html", "head", "body", "title", "style", "header", "main", "footer", "nav", "section", "div", "figure"),
            *("h1", "h2", "h3", "p", "span", "small", "wbr", "ul", "li", "dl", "dt", "dd", "details", "summary"),
            *("thead", "tbody", "b"),
        )
    },
    "tr": {"hidden"},
    "table": {"role"},
    "td": {"align"},
    "img": {"src", "alt", "width"},
    "meta": {"charset", "http-equiv", "content", "name"},
    "th": {"scope", "align"},
    "a": {"href"},
    "time": {"datetime"},
    **dict.fromkeys(("svg", "g", "path", "defs", "use", "text", "clippath", "rect", "circle"), _SVG),
}


# A mail names its own pictures, and an index page the files beside it; no other address may stand anywhere.
_PICTURE = re.compile(r"cid:figure-\d+-\d+@report\.bizq-lab\.invalid")
_REACHES = re.compile(r"url\(|@|\\|expression|behavior", re.IGNORECASE)
# Rows carry their ranks as integers and nothing else; the only control there is sorts a table.
_RANKS = re.compile(r"--c\d+:\d+(;--c\d+:\d+)*")
_SORTS = {"type": re.compile("radio"), "name": re.compile("bizq[0-9a-f]{6}"), "aria-label": re.compile(".*", re.DOTALL)}
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*\.(html|md|json|eml)")


class Allowed(HTMLParser):
    """Collects every element, attribute and address that our own markup would not contain."""

    def __init__(self) -> None:
        """Start with nothing found."""
        super().__init__(convert_charrefs=True)
        self.foreign: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Judge one element."""
        if tag == "input" and [name for name, _ in attrs] == list(_SORTS):
            self.foreign += [f"<input {n}={v!r}>" for n, v in attrs if not _SORTS[n].fullmatch(v or "")]
            return
        if tag not in ALLOWED:
            self.foreign.append(f"<{tag}>")
            return
        for name, value in attrs:
            address = (value or "").strip()
            if name not in _GLOBAL | ALLOWED[tag]:
                self.foreign.append(f"<{tag} {name}={value!r}>")
            elif tag == "tr" and name == "style" and not _RANKS.fullmatch(address):
                self.foreign.append(f"<tr style={value!r}>")
            elif name == "src" and not _PICTURE.fullmatch(address):
                self.foreign.append(f"<{tag} src={value!r}>")
            elif name == "href" and not address.startswith("#") and not _FILE.fullmatch(address):
                self.foreign.append(f"<{tag} href={value!r}>")
            elif name in {"style", "clip-path"} and _REACHES.search(address) and not address.startswith("url(#"):
                self.foreign.append(f"<{tag} {name}={value!r}>")

    def handle_data(self, data: str) -> None:
        """Keep the text, to show that a payload was shown and not dropped."""
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        """We write no comments."""
        self.foreign.append(f"<!--{data}-->")

    def handle_pi(self, data: str) -> None:
        """We write no processing instructions."""
        self.foreign.append(f"<?{data}>")

    def unknown_decl(self, data: str) -> None:
        """We write no declarations but the doctype."""
        self.foreign.append(f"<![{data}]>")


def foreign_markup(html: str) -> list[str]:
    """Everything in `html` that is not on the allow-list."""
    parser = Allowed()
    parser.feed(html)
    parser.close()
    return parser.foreign


def visible_text(html: str) -> str:
    """All text of `html`, style sheets included."""
    parser = Allowed()
    parser.feed(html)
    parser.close()
    return "".join(parser.texts)


_STEERING = frozenset(
    chr(code)
    for codes in (
        *(range(0x0A), range(0x0B, 0x20), range(0x7F, 0xA0), (0xAD, 0x61C, 0xFEFF, 0x200B, 0x200C, 0x200E, 0x200F)),
        *(range(0x2028, 0x202F), range(0x2060, 0x2070), range(0xD800, 0xE000), range(0xE0000, 0xE0080)),
    )
    for code in codes
)


def unprintable(text: str) -> list[str]:
    """Characters that could steer a terminal or reorder a line; a line feed may stay."""
    return [f"U+{ord(char):04X}" for char in sorted(set(text) & _STEERING)]
