"""Exporters, one module a target: the routing config in the form of the gateway that production runs.

Each names what it keeps; `losses` says the rest. No exporter touches a file or knows a key.
"""

from bizq_lab.config.exporters.export import LOCAL_URL, TARGETS, Export, Target, export
from bizq_lab.config.exporters.losses import Loss

__all__ = ["LOCAL_URL", "TARGETS", "Export", "Loss", "Target", "export"]
