"""Chat's frequency limits, counted for all workers together in Redis.

A sliding log of the last second for each limit: a call is admitted while fewer than the limit lie in that second, so
no second ever holds more than allowed. Clock and arithmetic run inside Redis. Limits follow the interface table of
https://www.tencentcloud.com/document/product/1047/34620 and the 40 messages a second of a group.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

from redis.commands.core import Script

from rooms import redis

CALLS_A_SECOND: Final = 200
GROUP_MESSAGES_A_SECOND: Final = 40
ATTRIBUTE_WRITES_A_SECOND: Final = 5
# What Normal and Low may use of a group's 40: the rest is the reserve that keeps High messages deliverable.
_MESSAGE_SHARE: Final = {"High": 40, "Normal": 34, "Low": 24}

_ADMIT: Final = """
local now = redis.call('TIME')
local microseconds = now[1] * 1000000 + now[2]
for i = 1, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', microseconds - 1000000)
  local limit = tonumber(ARGV[i])
  if redis.call('ZCARD', KEYS[i]) >= limit then
    local blocking = redis.call('ZRANGE', KEYS[i], -limit, -limit, 'WITHSCORES')
    return tonumber(blocking[2]) + 1000000 - microseconds + 1
  end
end
for i = 1, #KEYS do
  local serial = redis.call('INCR', KEYS[i] .. ':serial')
  redis.call('ZADD', KEYS[i], microseconds, serial)
  redis.call('PEXPIRE', KEYS[i], 2000)
  redis.call('EXPIRE', KEYS[i] .. ':serial', 3600)
end
return 0
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `per_second` admissions under `key` in any second."""

    key: str
    per_second: int


def limits_for(call: str, *, group_id: str, priority: str) -> list[Limit]:
    """Every limit one Chat call counts against."""
    limits = [Limit(f"call:{call}", CALLS_A_SECOND)]
    if call == "send_group_msg":
        limits.append(Limit(f"messages:{group_id}", _MESSAGE_SHARE.get(priority, GROUP_MESSAGES_A_SECOND)))
    elif call == "modify_group_attr":
        limits.append(Limit(f"attributes:{group_id}", ATTRIBUTE_WRITES_A_SECOND))
    return limits


def admit(limits: list[Limit]) -> float:
    """Take one place under every limit, or none: 0.0 when admitted, else the seconds until it is worth asking again.

    Raises redis.RedisError when Redis cannot be asked: then nothing may be sent.
    """
    keys = [f"{redis.QUOTA_PREFIX}{limit.key}" for limit in limits]
    wait = _script()(keys=keys, args=[limit.per_second for limit in limits])
    return max(int(wait), 0) / 1_000_000


@cache
def _script() -> Script:
    return redis.connection().register_script(_ADMIT)
