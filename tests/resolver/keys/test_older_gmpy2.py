"""A gmpy2 that came with something else, and lacks what we ask of it, is not used."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_a_gmpy2_of_before_2_2_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "gmpy2.py").write_text("def mpz(value): return value\n")
    code = (
        "import asyncio, gmpy2, wire.gmp; from resolver import Resolver;"
        "print(gmpy2.__file__, wire.gmp.gmpy2);"
        "print(Resolver().resolve_local('did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv').document['id'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == [
        f"{tmp_path}/gmpy2.py None",
        "did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv",
    ]
