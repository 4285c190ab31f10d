"""Route business tasks to the model that gives the best value, log every decision, learn honestly, ship the weights.

The public names live here and load on first use, so that `import bizq_lab` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bizq_lab.analysis.compare import compare
    from bizq_lab.analysis.efficiency import efficiency
    from bizq_lab.analysis.performance import performance
    from bizq_lab.catalog import Catalog, load_catalog
    from bizq_lab.config import RoutingConfig, load_config, save_config
    from bizq_lab.core.decision import RoutingDecision
    from bizq_lab.core.estimate import Caveat, Estimate
    from bizq_lab.core.execution import TaskResult
    from bizq_lab.core.model import ModelConfig
    from bizq_lab.core.money import Money
    from bizq_lab.core.result import Result
    from bizq_lab.core.task import RoutingContext, Task, UserFeedback, WorkspacePreferences
    from bizq_lab.errors import BizqLabError
    from bizq_lab.execution import ResilientExecutor
    from bizq_lab.experiments import ModelABTester
    from bizq_lab.lab import BizQAIRouter, Lab, PerformanceMonitor
    from bizq_lab.routing import AdaptiveRouter, AITaskRouter, CostCalculator
    from bizq_lab.store import Log
    from bizq_lab.tuning.publish import publish
    from bizq_lab.tuning.tune import tune

_HOME = {
    "AITaskRouter": "bizq_lab.routing",
    "AdaptiveRouter": "bizq_lab.routing",
    "BizQAIRouter": "bizq_lab.lab",
    "BizqLabError": "bizq_lab.errors",
    "Catalog": "bizq_lab.catalog",
    "Caveat": "bizq_lab.core.estimate",
    "CostCalculator": "bizq_lab.routing",
    "Estimate": "bizq_lab.core.estimate",
    "Lab": "bizq_lab.lab",
    "Log": "bizq_lab.store",
    "ModelABTester": "bizq_lab.experiments",
    "ModelConfig": "bizq_lab.core.model",
    "Money": "bizq_lab.core.money",
    "PerformanceMonitor": "bizq_lab.lab",
    "ResilientExecutor": "bizq_lab.execution",
    "Result": "bizq_lab.core.result",
    "RoutingConfig": "bizq_lab.config",
    "RoutingContext": "bizq_lab.core.task",
    "RoutingDecision": "bizq_lab.core.decision",
    "Task": "bizq_lab.core.task",
    "TaskResult": "bizq_lab.core.execution",
    "UserFeedback": "bizq_lab.core.task",
    "WorkspacePreferences": "bizq_lab.core.task",
    "compare": "bizq_lab.analysis",
    "efficiency": "bizq_lab.analysis",
    "load_catalog": "bizq_lab.catalog",
    "load_config": "bizq_lab.config",
    "performance": "bizq_lab.analysis",
    "publish": "bizq_lab.tuning",
    "save_config": "bizq_lab.config",
    "tune": "bizq_lab.tuning",
}

__all__ = [
    "AITaskRouter",
    "AdaptiveRouter",
    "BizQAIRouter",
    "BizqLabError",
    "Catalog",
    "Caveat",
    "CostCalculator",
    "Estimate",
    "Lab",
    "Log",
    "ModelABTester",
    "ModelConfig",
    "Money",
    "PerformanceMonitor",
    "ResilientExecutor",
    "Result",
    "RoutingConfig",
    "RoutingContext",
    "RoutingDecision",
    "Task",
    "TaskResult",
    "UserFeedback",
    "WorkspacePreferences",
    "__version__",
    "compare",
    "efficiency",
    "load_catalog",
    "load_config",
    "performance",
    "publish",
    "save_config",
    "tune",
]


def __getattr__(name: str) -> object:
    """Load a public name from its home."""
    if name not in _HOME:
        message = f"module 'bizq_lab' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
