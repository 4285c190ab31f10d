"""Property tests draw the same examples in every run of the suite; `BIZQ_LAB_FULL=1` draws new ones.

Laws are about answers, never about how fast a busy machine draws examples.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("fresh", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("suite", settings.get_profile("fresh"), derandomize=True)
settings.load_profile("fresh" if os.environ.get("BIZQ_LAB_FULL") == "1" else "suite")
