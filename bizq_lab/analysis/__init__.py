"""Questions asked of the log: `question(log, ...) -> Result`. Each has a module, its SQL is in the store.

It exists so that every answer carries its interval, its method and its reservations. It must not know how a task was
executed: it meets that only in the log's schema. `what_if` alone routes, the tasks of the log once more.
"""

from bizq_lab.analysis.alerts import AlertRow, Alerts, alerts
from bizq_lab.analysis.compare import compare
from bizq_lab.analysis.comparison import Comparison, ComparisonRow
from bizq_lab.analysis.efficiency import Efficiency, EfficiencyRow, efficiency
from bizq_lab.analysis.evidence import evidence
from bizq_lab.analysis.performance import Performance, PerformanceRow, performance
from bizq_lab.analysis.what_if import WhatIf, WhatIfRow, what_if

__all__ = [
    "AlertRow",
    "Alerts",
    "Comparison",
    "ComparisonRow",
    "Efficiency",
    "EfficiencyRow",
    "Performance",
    "PerformanceRow",
    "WhatIf",
    "WhatIfRow",
    "alerts",
    "compare",
    "efficiency",
    "evidence",
    "performance",
    "what_if",
]
