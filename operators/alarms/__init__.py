"""
What is wrong, as whoever knows tells it, and as operators see and end it. Service.
"""
