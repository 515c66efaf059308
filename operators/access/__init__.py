"""
How principals, grants and API keys are changed. Service.
"""
