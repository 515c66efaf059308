"""
What was done, in order, as a person would tell it. Pure.
"""

from verification.verdicts import NAMES, Decision, Name, Verification

_QUESTIONS: dict[Name, str] = {
    "authentic": "Is it what its issuer signed?",
    "inTime": "Is it in its time?",
    "issuerTrusted": "Is its issuer trusted for that?",
    "stillValid": "Does it still hold?",
    "held": "Does whoever shows it hold it?",
}
_ANSWERS: dict[Decision, str] = {"yes": "Yes", "no": "No", "unknown": "Nobody can tell"}


def steps_of(told: Verification) -> tuple[str, ...]:
    """Return a sentence for each verdict, and what comes of them."""
    asked = [name for name in NAMES if name in told.verdicts]
    steps = [f"{_QUESTIONS[name]} {_answer(told, name)}." for name in asked]
    return (_read(told), *steps, _conclusion(told))


def _answer(told: Verification, name: Name) -> str:
    found = told.verdicts[name]
    return f"{_ANSWERS[found.verdict]}: {found.detail}"


def _read(told: Verification) -> str:
    if told.format is None:
        return "The credential was not read."
    former = ", a form that nobody should issue any more" if told.legacy else ""
    types = f" of the type {', '.join(told.types)}" if told.types else ""
    issuer = f" It says that {told.issuer} issued it." if told.issuer else ""
    return f"The credential was read as {told.format}{former}{types}.{issuer}"


def _conclusion(told: Verification) -> str:
    if told.rely:
        return f"So you may rely on it at {told.at}, by the policy {told.policy}."
    return f"So do not rely on it, by the policy {told.policy}."
