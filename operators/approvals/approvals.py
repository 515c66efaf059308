"""
Requests for approval, asked and decided. Service.
"""

from operators.approvals.change import ApprovalView, Change
from operators.grants import Principal


class Approvals:
    """Who knows whether a change needs another person: so far none does."""

    async def ask(self, principal: Principal, change: Change) -> ApprovalView | None:  # noqa: ARG002
        return None
