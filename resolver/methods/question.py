"""What a method has to ask of somebody, where a DID does not hold its document. Pure."""

import msgspec


class Question(msgspec.Struct, frozen=True):
    """
    What is asked of an origin; equal questions have one answer, so that it is the key of the cache.

    Attributes:
        did: the DID in the one spelling that its method has for it.
        host: whom it is asked of: a host name, or the name of a driver.
        options: those that change what the origin answers, sorted; most sources have none.
    """

    did: str
    host: str
    options: tuple[tuple[str, str], ...] = ()

    def bytes_held(self) -> int:
        """Return about how many bytes it takes to keep: here, in the steps, and in what its values are made of."""
        return 4 * len(self.did) + sum(len(name) + len(value) for name, value in self.options)
