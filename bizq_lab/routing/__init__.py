"""Which model serves which task: pure functions. Must not know clocks, files, providers or the log."""

from __future__ import annotations

from bizq_lab.routing.router import AITaskRouter

__all__ = ["AITaskRouter"]
