"""Chat's stand-in for development, rehearsal and tests: both sides of the wire, from its documents.

Production code never imports this package, and this package imports nothing of Greenroom's own Chat client.
A message goes rest or control → pipeline → webhooks and feed; `commands` is the table of REST calls, one module for
each subject; `settings` names every point on which the documents are silent; `world` holds the state and does no I/O.
"""
