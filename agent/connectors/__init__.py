"""Helpdesks: one module each, which verifies what comes, parses it and sends.

Each has `verify(headers, raw, secrets, now)`, which raises `Forged`; `parse(headers, raw)`, which
gives what customers wrote; `send(http, helpdesk, message)`, which raises what httpx does, or
`Refused`. What comes is kept before it is acknowledged, and answered in order (work.py).
"""
