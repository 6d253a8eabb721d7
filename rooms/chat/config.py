from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ChatConfig:
    """One Chat application: who we are to it, and how it proves itself to us.

    `api_url` is a base such as `https://adminapisgp.im.qcloud.com`; `webhook_tokens` are all the tokens
    accepted at present (several during a change of token). Secrets stay out of `repr`.
    """

    sdkappid: int
    secret_key: str = field(repr=False)
    admin_account: str
    api_url: str
    webhook_tokens: tuple[str, ...] = field(repr=False)
