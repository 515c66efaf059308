"""
Who is to be answered what: the rule of issue 12 in words of its own, without the code that decides.
"""

from operators.needs import Need

GIVES = {
    "viewer": {"read"},
    "allocator": {"read", "allocate"},
    "editor": {"read", "allocate", "edit"},
    "approver": {"read", "approve", "see principals"},
    "administrator": {"read", "allocate", "edit", "administer", "see principals"},
    "auditor": {"read", "audit", "see principals"},
    "break-glass": {"read", "break glass"},
}
ANSWERS = ("let in", "forbidden", "not found")
LET_IN, FORBIDDEN, NOT_FOUND = ANSWERS


def expected(need: Need, role: str | None, scope: str, place: str) -> str:
    """
    Return what somebody with one grant is answered.

    Args:
        role: None: a service without a grant. "": a person without one, who has just signed in.
        scope: the kind of scope of the grant; "everything", "issuer" or "authority".
        place: where the resource is that is asked for; "own", "foreign" or "absent".
    """
    gives = GIVES[role] if role else set()
    holds = str(need.permission) in gives
    if role == "" and need.where.name != "OWN":
        return FORBIDDEN
    match need.where.name:
        case "OWN":
            return LET_IN
        case "EVERYTHING":
            return LET_IN if holds and scope == "everything" else FORBIDDEN
        case "ANYWHERE":
            return LET_IN if holds else FORBIDDEN
        case "ASKED":
            return FORBIDDEN if not holds else _in_own(LET_IN, place)
        case "NAMED":
            return _in_own(LET_IN if holds else FORBIDDEN, place) if gives else NOT_FOUND
        case "PRINCIPAL":
            is_seen = "see principals" in gives
            return _in_own(LET_IN if holds else FORBIDDEN, place) if is_seen else NOT_FOUND
    raise AssertionError(f"add {need.where} to this rule")


def _in_own(answer: str, place: str) -> str:
    return answer if place == "own" else NOT_FOUND
