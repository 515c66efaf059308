"""
Does this credential still hold: status lists, published and checked (Bitstring Status List v1.0).
"""
