"""Exporters, one module a target: the routing config in the form of the gateway that production runs.

Each names what it keeps; `losses` says the rest. No exporter touches a file or knows a key. Packages add targets in the
entry point group `bizq_lab.exporters`.
"""

from bizq_lab.config.exporters.export import LOCAL_URL, TARGETS, Export, Exporter, Source, export, targets
from bizq_lab.config.exporters.losses import Loss

__all__ = ["LOCAL_URL", "TARGETS", "Export", "Exporter", "Loss", "Source", "export", "targets"]
