"""Prompt templates: sandboxed Jinja over the task's input alone. Knows no model and no provider."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from bizq_lab.core.ids import digest
from bizq_lab.errors import InputError, InvalidCatalog

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from bizq_lab.catalog.schema import PromptSpec
    from bizq_lab.core.task import Task

_MISSING = re.compile(r"has no attribute '([^']+)'")


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
        message = f"{where} is not valid Jinja: {error}"
        raise InvalidCatalog(message, hint="the only variable is `input`, as in {{ input.product_name }}") from None


def render_template(source: str, task: Task) -> str:
    """Fill a template with the task's input. The input is data: braces in it stay braces.

    Raises:
        InputError: The template needs a field that the input does not have, or not in this form.
    """
    if "{" not in source:  # most system prompts ask for nothing of the task
        return source.strip()
    from jinja2 import TemplateError, UndefinedError  # noqa: PLC0415 - as above

    try:
        return _compiled(source).render(input=task.input).strip()
    except UndefinedError as error:
        missing = _MISSING.search(str(error))
        lack = f"lacks the field {missing[1]!r}" if missing else f"cannot fill its prompt: {error}"
        message = f"input of task {task.id!r} of type {task.type!r} {lack}"
        raise InputError(message, hint=f"its fields: {', '.join(sorted(task.input)) or 'none'}") from None
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        message = f"input of task {task.id!r} of type {task.type!r} cannot fill its prompt: {error}"
        raise InputError(message, hint="see the task type's template for what each field must be") from None


@cache
def _compiled(source: str) -> Template:
    template = _environment().from_string(source)
    # Jinja chains two maps here, and looks through both at each rendering.
    template.globals = dict(template.globals)
    return template


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    from jinja2 import StrictUndefined  # noqa: PLC0415 - as above
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - as above

    options: dict[str, Any] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    return ImmutableSandboxedEnvironment(autoescape=False, **options)
