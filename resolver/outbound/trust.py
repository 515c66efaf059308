"""
Whose certificates an origin may show: the system's trust store, and an authority that the operator adds. Pure but
for reading them.
"""

import ssl


def trust_of(dangerous_ca_file: str = "") -> ssl.SSLContext:
    """
    Return a client's context with names verified and TLS 1.2 at least (NIST SP 800-52r2).

    Args:
        dangerous_ca_file: PEM certificates trusted beside the system's, for every host; "": none.

    Raises:
        OSError: the file cannot be read, or has no certificate (ssl.SSLError).
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if dangerous_ca_file:
        context.load_verify_locations(cafile=dangerous_ca_file)
    return context
