"""What a client of a check has to spend."""

from server.edge.limits import ClientAccount, TokenBuckets


class Purse:
    """A client's account of `tokens`, over the server's own buckets, at a time that stands still."""

    def __init__(self, tokens: int, computing: int = 0) -> None:
        self._buckets = TokenBuckets(tokens / 2, lambda: 0.0)
        self._computing = TokenBuckets(computing / 2, lambda: 0.0)
        self._account = ClientAccount(self._buckets, self._computing, "a")
        self.spent = 0
        self.computed_bytes = 0
        self.client = "a"

    def compute(self, n_bytes: int) -> None:
        self._account.compute(n_bytes)
        self.computed_bytes += n_bytes

    def pay(self, requests: int) -> None:
        self._account.pay(requests)
        self.spent += requests

    def owe(self, requests: int) -> None:
        self._account.owe(requests)
        self.spent += requests

    def owe_computing(self, tokens: int) -> None:
        self._account.owe_computing(tokens)
