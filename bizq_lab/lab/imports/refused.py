"""Why a row of a foreign file cannot be imported."""

from __future__ import annotations

from bizq_lab.errors import InputError


class RefusedRow(InputError):
    """A row cannot be imported. `reason` is the same for all rows with the same fault, `value` is this row's own."""

    def __init__(self, reason: str, value: object = "") -> None:
        """Keep both."""
        self.reason, self.value = reason, f"{value!s:.80}"
        super().__init__(f"{reason}: {self.value}" if self.value else reason)
