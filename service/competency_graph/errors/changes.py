"""Why a change is not recorded, or not undone."""

from collections.abc import Mapping
from typing import Any

from competency_graph.errors.base import CompetencyGraphError


class StaleHead(CompetencyGraphError):
    """The log moved on since this change was drafted."""

    code, title, status, exit_code = "stale-head", "The data moved on", 409, 1

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(
            f"The log is at change {actual}; this change was made against {expected}. "
            "Reload and retry.",
            expected=expected,
            actual=actual,
        )


class InvalidChange(CompetencyGraphError):
    """The change would bring violations; facts hold the findings in their three groups."""

    code, title, status = "invalid-change", "The change was not recorded", 422
    exit_code = 1

    def __init__(self, findings: Mapping[str, Any], *, revision: int) -> None:
        count = sum(row["severity"] == "violation" for row in findings["new"])
        many = f"{count} new violation" if count == 1 else f"{count} new violations"
        super().__init__(
            f"It would bring {many}. Mend it and send the change again; nothing was changed.",
            findings=findings,
            revision=revision,
        )

    @property
    def findings(self) -> Any:
        """New and fixed findings, each as JSON has it, and how many stand."""
        return self.facts["findings"]


class StillInGraph(CompetencyGraphError):
    """A change cannot be emptied while the graph holds what it added."""

    code, title, status, exit_code = "still-in-graph", "Still in the graph", 409, 1

    def __init__(self, number: int, left: int) -> None:
        counted = "1 statement is" if left == 1 else f"{left:,} statements are"
        super().__init__(
            f"Of what change {number} added, {counted} still in the graph. "
            "Remove them by a change first, then redact both.",
            revision=number,
            statements=left,
        )


class Redacted(CompetencyGraphError):
    """What is asked for needs the content of a change that was emptied."""

    code, title, status = "redacted", "Redacted", 410

    def __init__(self, number: int) -> None:
        super().__init__(
            f"The content of change {number} was redacted. What needs it, such as the data as it "
            "was then, cannot be had any more. Ask for an earlier or a later revision.",
            revision=number,
        )


class WouldRemove(CompetencyGraphError):
    """The change was to add only, and would remove; facts hold what, and at which revision."""

    code, title, status, exit_code = "would-remove", "Something would be removed", 409, 1

    def __init__(self, removals: Mapping[str, Any], *, revision: int) -> None:
        count = removals["statements"]
        many = "1 statement" if count == 1 else f"{count:,} statements"
        super().__init__(
            f"It would remove {many}, and was sent with only-adds; nothing was changed. "
            "Look at what would go, and send it without only-adds.",
            removals=removals,
            revision=revision,
        )
