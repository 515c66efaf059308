"""
W3C credentials as RDF, in canonical form, for the suites with `rdfc` in their names.

    contexts    the JSON-LD contexts that we know: pinned, never fetched
    writing     what a document may look like so that its RDF says all that its JSON says
    terms       what the terms of contexts are like
    types       several types of one object, whose contexts are added up
    alike       how much work it is to tell blank nodes apart
    canonical   a document to its canonical N-Quads, by pyoxigraph (the extra `ldp`)
    job         what a process of its own is asked, and answers
    __main__    that process: it may take long, or die; whoever asked waits no longer than its limits
"""
