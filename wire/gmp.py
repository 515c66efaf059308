"""
GNU MP's integers, five to thirty times as fast as Python's own, where gmpy2 is installed. Pure.

The extra `fast` (decision 0015). Whoever uses it does without it as well, with the same results; tests hold that.
"""

import importlib
from typing import Any

try:
    gmpy2: Any = importlib.import_module("gmpy2")
except ImportError:
    gmpy2 = None
if not hasattr(getattr(gmpy2, "mpz", None), "from_bytes"):  # Before 2.2, which others may have brought.
    gmpy2 = None
