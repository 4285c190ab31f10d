"""Which model serves which task: pure functions. Must not know clocks, files, providers or the log."""

from __future__ import annotations

from bizq_lab.routing.adaptive import AdaptiveRouter
from bizq_lab.routing.cost import CostCalculator
from bizq_lab.routing.learning import Thresholds
from bizq_lab.routing.memory import ProcessMemory, ResultRecorder
from bizq_lab.routing.router import AITaskRouter

__all__ = ["AITaskRouter", "AdaptiveRouter", "CostCalculator", "ProcessMemory", "ResultRecorder", "Thresholds"]
