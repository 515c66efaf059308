"""Many questions about one chain of certificates: it is validated once for each time, and told the same."""

import base64
from pathlib import Path

import pytest
from msgspec.structs import replace

from registry.asking import held
from registry.asking.evaluation import EvaluationRequest
from registry.identifiers import certificate_identifier
from registry.model import Authority, Definition, Identifier, Resource
from tests.proofs.asking import LEAF, MID, ROOT
from tests.proofs.authorities import der
from tests.registry.told import a_grant, a_registry, an_entity, at

pytestmark = pytest.mark.anyio

SPRING = at("2026-06-01")  # when the certificates are valid
TYPES = [f"T{number}" for number in range(32)]
CHAIN = [base64.b64encode(der(each)).decode() for each in (LEAF, MID.certificate, ROOT.certificate)]
NOW_ASKED = [EvaluationRequest(x5c=CHAIN, type=each) for each in TYPES]
THEN_ASKED = [replace(each, time="2026-05-31T12:00:00Z") for each in NOW_ASKED]


async def test_a_chain_is_validated_once_for_each_time_and_not_for_each_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    validated, validate = [], held.registered_ends
    monkeypatch.setattr(
        held, "registered_ends", lambda *asked: validated.append(asked[2]) or validate(*asked)
    )
    text = base64.b64encode(ROOT.der).decode()
    root = Identifier(value=certificate_identifier(ROOT.der), certificate=text)
    authority = Authority(
        id="edu",
        governance_framework="https://edu.example/rules",
        defines=tuple(Definition(action="issue", resource=each) for each in TYPES),
        resources=tuple(Resource(id=each, types=(each,)) for each in TYPES),
    )
    grants = [a_grant(each.lower(), entity_id="certified", resource=each) for each in TYPES[:2]]
    async with a_registry(tmp_path, authority, an_entity("certified", root), *grants) as told:
        told.now = SPRING
        together = await told.trust.weigh([*NOW_ASKED, *THEN_ASKED])
        n_validated = len(validated)
        alone = [(await told.trust.weigh([each]))[0] for each in (*NOW_ASKED, *THEN_ASKED)]

    assert n_validated == 3  # of a time that is over, by what is known, and by what was known then
    assert together == alone
    assert [each.decision for each in together] == (["yes"] * 2 + ["no"] * 30) * 2
