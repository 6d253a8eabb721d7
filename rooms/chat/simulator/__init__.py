"""Chat's stand-in for development, rehearsal and tests: both sides of the wire, from its documents.

Production code never imports this package, and this package imports nothing of Greenroom's own Chat client.
"""
