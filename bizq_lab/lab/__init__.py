"""The front doors: `Lab` for notebooks, `BizQAIRouter` for services. Wires the rooms below; must hold no statistics."""

from __future__ import annotations

from bizq_lab.lab.lab import Lab
from bizq_lab.lab.monitor import PerformanceMonitor
from bizq_lab.lab.service import BizQAIRouter

__all__ = ["BizQAIRouter", "Lab", "PerformanceMonitor"]
