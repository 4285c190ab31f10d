"""What a real browser makes of a report full of hostile text: no script, no request, no overflow on a phone."""

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bizq_lab.reports import Headline, Section, write_report
from tests.support.hostile import CANARY, PAYLOADS
from tests.support.report_answers import AS_OF, arm_table, report_with
from tests.support.reports import rendered

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium at /usr/bin/chromium")

PROBE = """<!DOCTYPE html><title>probe</title><iframe id="f" src="report.html" width="WIDTH" height="800"></iframe>
<script>onload = () => {
  const d = document.getElementById("f").contentDocument.documentElement;
  document.title = "scroll " + d.scrollWidth + " client " + d.clientWidth;
}</script>"""


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    """A loopback server that remembers who called."""
    seen: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()
    thread.join()


def dom(page: Path, profile: Path, *flags: str) -> str:
    """The page's document after the browser has loaded it."""
    done = subprocess.run(
        [
            *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
            *("--disable-component-update", "--disable-sync", "--no-first-run", f"--user-data-dir={profile}"),
            *("--virtual-time-budget=2000", *flags, "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


def test_the_browser_runs_no_script_and_asks_nobody(tmp_path: Path, canary: tuple[str, list[str]]) -> None:
    address, seen = canary
    payloads = [payload.replace(CANARY, address) for payload in PAYLOADS]
    sections = [Section(heading=p, question=p, results=(arm_table(p),), details=((p, arm_table(p)),)) for p in payloads]
    html = rendered("hostile", sections, as_of=AS_OF, headline=Headline("a", "b", "c", "d"))
    document = dom(write_report(tmp_path / "report.html", html.encode()), tmp_path / "profile")
    assert "<title>hostile · 2026-11-24</title>" in document
    assert document.count('class="question"') == len(payloads)
    assert seen == []


def test_the_canary_would_have_sung(tmp_path: Path, canary: tuple[str, list[str]]) -> None:
    """The test above can fail: the same browser does run script and does call out when a page lets it."""
    address, seen = canary
    page = tmp_path / "open.html"
    page.write_text(f"<title>x</title><img src='{address}/i.png'><script>document.title='pwned'</script>")
    assert "<title>pwned</title>" in dom(page, tmp_path / "profile")
    assert seen == ["/i.png"]


@pytest.mark.parametrize("width_px", [390, 1200])
def test_the_page_itself_never_scrolls_sideways(tmp_path: Path, width_px: int) -> None:
    """Wide tables and figures scroll inside their own container."""
    write_report(tmp_path / "report.html", report_with("x" * 400).encode())
    probe = tmp_path / "probe.html"
    probe.write_text(PROBE.replace("WIDTH", str(width_px)))
    document = dom(probe, tmp_path / "profile", "--allow-file-access-from-files", "--window-size=1400,900")
    found = re.search(r"scroll (\d+) client (\d+)", document)
    assert found is not None
    assert int(found[1]) <= int(found[2]) <= width_px
    shutil.rmtree(tmp_path / "profile", ignore_errors=True)
