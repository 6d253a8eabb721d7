"""The verbs of rooms. One operation is one function; pages, API, webhook handlers, tasks and commands all call it.

Each takes its subject first and everything else by keyword, checks, changes, audits and schedules inside one
transaction, and refuses with a sentence (`rooms.errors`). None of them talks to Chat: that is recorded in the outbox.
"""
