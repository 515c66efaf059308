"""
The composition root: settings, HTTP manners, hot answers, telemetry, background work and the command line.
"""
