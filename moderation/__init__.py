"""Why something may not be said: policies, screening, cases, verdicts, sanctions, appeals. Stands on rooms.

So far every message is allowed; screening takes the decider's place in `rooms.dispatch` for before-send callbacks.
"""
