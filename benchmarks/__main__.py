"""
`python -m benchmarks`: measures everything, prints the table, writes `var/bench.json`; exits 0 if all was measured.

With arguments, only the subjects whose name holds one of them, and nothing is written.
"""

from benchmarks import (
    engines,
    entries,
    fresh_keys,
    hot_answers,
    hot_lists,
    http_revocations,
    http_verifying,
    many_keys,
    many_lists,
    publishing,
    registry_queries,
    revocations,
    start_up,
    urgent,
    verifying,
    webvh_logs,
)
from benchmarks.peers import publishing as peers_publishing
from benchmarks.run import Subject, run

SUBJECTS: tuple[Subject, ...] = (
    ("hot answers over HTTP", hot_answers.measure),
    ("hot status lists over HTTP", hot_lists.measure),
    ("many did:keys over HTTP", many_keys.measure),
    ("fresh did:keys in process", lambda _: fresh_keys.measure()),
    ("did:webvh logs in process", webvh_logs.measure),
    ("registry over HTTP", registry_queries.measure),
    ("acknowledged revocations", revocations.measure),
    ("single revocations over HTTP", http_revocations.measure),
    ("entries by the thousand", entries.measure),
    ("publications of a list in process", lambda _: publishing.measure()),
    ("publications of a list, beside Node libraries", lambda _: peers_publishing.measure()),
    ("urgent revocations over HTTP", urgent.measure),
    ("whole checks in process", verifying.measure),
    ("whole checks over HTTP", http_verifying.measure),
    ("10,000 status lists", many_lists.measure),
    ("both engines", engines.measure),
    ("start and memory", start_up.measure),
)

if __name__ == "__main__":
    run(SUBJECTS, "bench.json")
