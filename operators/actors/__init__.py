"""
The rows of who acts, and how a request is known to come from one of them. Service.
"""
