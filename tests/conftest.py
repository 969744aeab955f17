"""What every test has: fixtures that more than one folder of tests needs, and the property tests' profiles."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# In CI the same examples every time, so that a red run is red for its own change; elsewhere new ones each run. No
# deadline of Hypothesis's own: a shared machine's slowest moment isn't a bug, and pytest-timeout ends what hangs.
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("developer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") == "true" else "developer")
