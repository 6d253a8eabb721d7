from urllib.parse import urlsplit


def is_https(address: str) -> bool:
    """Whether this is an address that viewers' clients may open. Never raises, whatever somebody typed."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.netloc)
