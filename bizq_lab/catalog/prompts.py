"""Prompt templates: sandboxed Jinja over the task's input alone. Knows no model and no provider."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from bizq_lab.core.ids import digest
from bizq_lab.errors import InputError, InvalidCatalog

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from bizq_lab.catalog.schema import PromptSpec
    from bizq_lab.core.task import Task


def template_hash(spec: PromptSpec) -> str:
    """Version of a prompt: the same text, the same hash."""
    return digest(spec.system, spec.template)[:16]


def check_template(source: str, where: str) -> None:
    """Compile a template.

    Raises:
        InvalidCatalog: It is not valid Jinja.
    """
    from jinja2 import TemplateError  # noqa: PLC0415 - only rendering needs Jinja

    try:
        _compiled(source)
    except TemplateError as error:
        message = f"{where}: template is not valid Jinja: {error}"
        raise InvalidCatalog(message) from None


def render_template(source: str, task: Task) -> str:
    """Fill a template with the task's input. The input is data: braces in it stay braces.

    Raises:
        InputError: The template needs a field that the input does not have.
    """
    from jinja2 import TemplateError  # noqa: PLC0415 - as above

    try:
        return _compiled(source).render(input=task.input).strip()
    except TemplateError as error:
        message = f"task {task.id!r} of type {task.type!r}: its prompt cannot be rendered: {error}"
        raise InputError(message, hint=f"its input has: {', '.join(sorted(task.input)) or 'nothing'}") from None


@cache
def _compiled(source: str) -> Template:
    return _environment().from_string(source)


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    from jinja2 import StrictUndefined  # noqa: PLC0415 - as above
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - as above

    options: dict[str, Any] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    return ImmutableSandboxedEnvironment(autoescape=False, **options)
