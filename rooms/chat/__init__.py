"""Chat's wire, and nothing else: REST client, error tree, UserSig, webhook parsing, message elements.

May import httpx, orjson and the standard library. Never Django, never another package of Greenroom:
the wire's spelling (`From_Account`, `MsgSeq`) stops here, beyond it are dataclasses in snake_case.
"""
