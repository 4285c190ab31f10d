"""Property tests draw the same examples in every run of the suite; `BIZQ_LAB_FULL=1` draws new ones."""

import os

from hypothesis import settings

settings.register_profile("suite", derandomize=True)
if os.environ.get("BIZQ_LAB_FULL") != "1":
    settings.load_profile("suite")
