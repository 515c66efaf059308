"""Sets of a running server, revocations in them, and what an outsider sees of those."""

from statuslist.formats.forms import FORM_NAMES
from tests.process import Server
from tests.slow.test_watchdog import is_seen
from tests.statuslist.outsider import Said
from tests.statuslist.watch import Watch


def found(node: Server, set_id: str, issuer_id: str, count: int = 4) -> list[int]:
    node.operator("", {"id": set_id, "issuerId": issuer_id, "purposes": ["revocation", "suspension"]})
    entries = node.operator(f"/{set_id}/allocations", {"count": count})["entries"]
    return [int(entry["credentialStatus"][0]["statusListIndex"]) for entry in entries]


def revoke(node: Server, set_id: str, index: int) -> None:
    change = {"statusListIndex": str(index), "statusPurpose": "revocation", "status": 1}
    node.operator(f"/{set_id}/statuses", {"changes": [change]})


def forms(watch: Watch, set_id: str) -> dict[str, Said]:
    """Return what the four forms of a set that speak of revocations said last."""
    return {
        url.rpartition("/")[2]: said
        for url, said in dict(watch.last).items()
        if url.split("/")[-2] in (set_id, f"{set_id}-revocation")
    }


def is_shown(node: Server, watch: Watch, set_id: str, index: int) -> None:
    """Wait until all four forms show an entry as revoked."""

    def shows() -> bool:
        said = forms(watch, set_id)
        return said.keys() == set(FORM_NAMES) and all(index in (one.revoked or ()) for one in said.values())

    is_seen(node, shows)
