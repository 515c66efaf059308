"""
`python -m benchmarks.peers`: as `python -m benchmarks`, with others' software; writes `var/bench-peers.json`.
"""

from benchmarks.peers import hot, in_process, never_seen, publishing, web, webvh
from benchmarks.run import Subject, run

SUBJECTS: tuple[Subject, ...] = (
    ("hot did:key over HTTP, beside fastify and nginx", hot.measure),
    ("never-seen did:keys over HTTP, beside fastify", never_seen.measure),
    ("fresh did:keys in process, by key type", lambda _: in_process.measure()),
    ("did:web cold, over TLS", web.measure),
    ("a did:webvh log in process, beside did-webvh", webvh.measure),
    ("publications of a list, beside Node libraries", lambda _: publishing.measure()),
)

if __name__ == "__main__":
    run(SUBJECTS, "bench-peers.json")
