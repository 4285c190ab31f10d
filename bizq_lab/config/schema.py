"""What a routing config says as a whole, and what makes one invalid. Must not know where it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from bizq_lab.config.assign import overlap
from bizq_lab.config.canonical import SCHEMA_VERSION, config_hash
from bizq_lab.config.parts import ArmSpec, EvidenceRow, ExperimentSpec, Frozen, Name, Signature, TaskRouting
from bizq_lab.core.decision import DEFAULT_ARM, RESERVED_ARMS
from bizq_lab.core.display import Sheet
from bizq_lab.core.noun import Noun
from bizq_lab.errors import InvalidRoutingConfig

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog

Model = TypeVar("Model", bound=BaseModel)


class RoutingConfig(Noun, Frozen):
    """Arms, weights and the evidence behind them: what production routes by.

    Attributes:
        schema_version: Of this format.
        purpose: `live`, or `offline` for replay, simulation and study (S2).
        catalog: Name of the catalog the keys belong to.
        catalog_version: Its hash.
        price_version: Of the price book in force.
        produced_by: Tool and version.
        as_of: The date given, never the clock's.
        expires_on: First day on which nothing may be published or ramped from it; None means never.
        parent: Hash of the config it replaces, or empty.
        log_snapshot: State of the log it was computed from, or empty.
        arms: Arm specifications by id; `default` is reserved for what the rules choose, `human` for people.
        tasks: Routing by task type.
        experiments: Running online experiments.
        evidence: The findings behind the weights.
        signature: Who wrote it; None when it is not signed.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    purpose: Literal["live", "offline"] = "live"
    catalog: Name
    catalog_version: str
    price_version: str = ""
    produced_by: str = ""
    as_of: date
    expires_on: date | None = None
    parent: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    log_snapshot: str = ""
    arms: Mapping[Name, ArmSpec] = Field(default_factory=dict)
    tasks: Mapping[Name, TaskRouting] = Field(default_factory=dict)
    experiments: tuple[ExperimentSpec, ...] = ()
    evidence: tuple[EvidenceRow, ...] = ()
    signature: Signature | None = None

    def sheet(self) -> Sheet:
        """Who gets which share of which task type."""
        expires = f", expires on {self.expires_on}" if self.expires_on else ""
        return Sheet(
            title=f"Routing config {self.hash[:12]}",
            summary=f"For {self.purpose} use of catalog {self.catalog}, as of {self.as_of}{expires}.",
            columns=("task_type", "arm", "share_percent", "model", "prompt", "stage"),
            rows=[
                {
                    "task_type": task_type,
                    "arm": arm,
                    "share_percent": share,
                    "model": spec.model if (spec := self.arms.get(arm)) else "what the rules choose",
                    "prompt": spec.prompt if spec else "",
                    "stage": routing.stage,
                }
                for task_type, routing in self.tasks.items()
                for arm, share in routing.weights.items()
            ],
            caveats=[f"experiment {spec.id} splits {spec.task_type}" for spec in self.experiments],
            notes=f"produced by {self.produced_by or 'hand'} · prices {self.price_version[:12] or 'not named'}",
        )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in self.arms:
            if name in RESERVED_ARMS:
                message = f"arms names {name!r}, which is reserved for {RESERVED_ARMS[name]}"
                raise ValueError(message)
        uses = [(f"tasks[{name!r}]", routing.weights) for name, routing in self.tasks.items()]
        uses += [(f"experiment {spec.id!r}", spec.weights) for spec in self.experiments]
        for where, weights in uses:
            unknown = sorted(set(weights) - set(self.arms) - {DEFAULT_ARM})
            if unknown:
                message = f"{where} weighs unknown arms {unknown!r}; known: {sorted(self.arms)!r}"
                raise ValueError(message)
        self._check_experiments()
        return self

    def _check_experiments(self) -> None:
        if len({spec.id for spec in self.experiments}) != len(self.experiments):
            message = "two experiments have the same id"
            raise ValueError(message)
        for name in sorted({spec.namespace for spec in self.experiments if spec.namespace}):
            if overlap(spec.buckets for spec in self.experiments if spec.namespace == name):
                message = f"experiments of namespace {name!r} have overlapping buckets"
                raise ValueError(message)
        for task_type in sorted({spec.task_type for spec in self.experiments}):
            namespaces = [spec.namespace_name for spec in self.experiments if spec.task_type == task_type]
            if len(set(namespaces)) > 1:
                message = f"experiments on {task_type!r} must share one namespace, not {sorted(namespaces)!r}"
                raise ValueError(message)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical bytes: the config's name in every decision, and its checksum on disk."""
        return config_hash(self)

    def expired(self, today: date) -> bool:
        """Whether it may no longer be published or ramped from (S31); it keeps routing."""
        return self.expires_on is not None and today >= self.expires_on

    @classmethod
    def start(
        cls,
        catalog: Catalog,
        *,
        arms: Mapping[str, ArmSpec] | None = None,
        tasks: Mapping[str, Mapping[str, int]] | None = None,
        as_of: date,
        produced_by: str = "",
    ) -> Self:
        """A first config for a catalog, weights as given and everything else by default.

        Raises:
            InvalidRoutingConfig: Weights do not sum to 100, or name an arm that does not exist.
        """
        return cls.build(
            purpose=catalog.purpose,
            catalog=catalog.name,
            catalog_version=catalog.version,
            price_version=catalog.price_version,
            produced_by=produced_by,
            as_of=as_of,
            arms=dict(arms or {}),
            tasks={name: {"weights": dict(weights)} for name, weights in (tasks or {}).items()},
        )

    @classmethod
    def build(cls, **fields: object) -> Self:
        """Construct from plain data, with one error of ours when it is wrong.

        Raises:
            InvalidRoutingConfig: A field is missing, unknown or inconsistent.
        """
        return validated(cls, fields)

    def evolve(self, **changes: object) -> Self:
        """The next version: changed fields, checked again, with this one as its parent; nobody has signed it yet.

        Raises:
            InvalidRoutingConfig: The result is inconsistent.
        """
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return validated(type(self), {**fields, "parent": self.hash, "signature": None, **changes})

    def with_signature(self, signature: Signature | None) -> Self:
        """The same version, signed by another or by nobody."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return validated(type(self), {**fields, "signature": signature})

    def with_weights(self, task_type: str, weights: Mapping[str, int], *, stage: str = "") -> Self:
        """The next version with other weights for one task type; its salt stays, so that units stay where they can."""
        routing = self.tasks.get(task_type, TaskRouting())
        changed = {**dict(routing), "weights": dict(weights), "stage": stage}
        return self.evolve(tasks={**self.tasks, task_type: changed})


def validated(cls: type[Model], data: object) -> Model:
    """Validate, and turn pydantic's report into one clear error of ours."""
    try:
        return cls.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "config"
        message = f"{where}: {first['msg'].removeprefix('Value error, ')}"
        if "input" in first and not isinstance(first["input"], (dict, BaseModel)):
            message += f", got {first['input']!r:.80}"
        hint = f"{error.error_count()} problems in all" if error.error_count() > 1 else "see config.json_schema()"
        raise InvalidRoutingConfig(message, hint=hint) from None
