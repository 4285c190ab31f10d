"""The report reads well in light, in dark and on paper: every text colour has AA contrast where it is used."""

import re
from importlib.resources import files

import pytest

from tests.support.colours import contrast

CSS = files("bizq_lab.reports").joinpath("templates/report.css").read_text(encoding="utf-8")


def palettes() -> dict[str, dict[str, str]]:
    """Custom properties by scheme; what a scheme leaves alone it takes from the first."""
    blocks = [
        dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{3,6})", block)) for block in re.findall(r":root \{([^}]*)\}", CSS)
    ]
    return dict(zip(("light", "dark", "print"), ({**blocks[0], **block} for block in blocks), strict=True))


def full(color: str) -> str:
    """Six digits for three."""
    return color if len(color) == 7 else "#" + "".join(2 * digit for digit in color[1:])


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
@pytest.mark.parametrize("text", ["--bizq-ink", "--bizq-muted", "--link"])
def test_text_has_aa_contrast_on_page_and_card(scheme: str, text: str) -> None:
    palette = palettes()[scheme]
    for ground in ("--bizq-paper", "--card"):
        assert contrast(full(palette[text]), full(palette[ground])) >= 4.5


def test_the_dark_scheme_gives_every_series_a_colour_that_reads_on_it() -> None:
    dark = palettes()["dark"]
    for i in range(6):
        assert contrast(full(dark[f"--bizq-c{i}"]), full(dark["--bizq-paper"])) >= 4.5
