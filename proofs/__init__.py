"""
How others check us: canonical forms, signatures, Data Integrity proofs and JOSE. Pure but for key files.
"""
