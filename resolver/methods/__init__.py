"""The DID methods we resolve, each a DID to a plan, and a plan's answer to a document. Pure."""

from resolver.methods.jwk import JWK
from resolver.methods.key import KEY
from resolver.methods.method import ComputedMethod, Method
from resolver.methods.peer import PEER
from resolver.methods.pkh import PKH
from resolver.methods.web import WEB
from resolver.methods.webvh import WEBVH

COMPUTED: dict[str, ComputedMethod] = {method.name: method for method in (KEY, JWK, PEER, PKH)}
METHODS: dict[str, Method] = {WEB.name: WEB, WEBVH.name: WEBVH, **COMPUTED}

__all__ = ["COMPUTED", "JWK", "KEY", "METHODS", "PEER", "PKH", "WEB", "WEBVH", "Method"]
