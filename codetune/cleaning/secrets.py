"""Secrets in code, found by those detect-secrets plugins that match a provider's own token format.

The entropy and keyword plugins are left out: on code they fire on plain identifiers (detect-secrets issue 693).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from detect_secrets.core.plugins.initialize import from_plugin_classname

_PRIVATE_KEY = "PrivateKeyDetector"
_DETECTORS = (
    "ArtifactoryDetector", "AWSKeyDetector", "AzureStorageKeyDetector", "BasicAuthDetector", "DiscordBotTokenDetector",
    "GitHubTokenDetector", "GitLabTokenDetector", "JwtTokenDetector", "NpmDetector", "OpenAIDetector", _PRIVATE_KEY,
    "PypiTokenDetector", "SendGridDetector", "SlackDetector", "StripeDetector", "TwilioKeyDetector",
)  # fmt: skip
_BLANK = "REDACTED"


@cache
def _detectors() -> dict[str, Any]:
    return {name: from_plugin_classname(name) for name in _DETECTORS}


def without_secrets(code: str) -> str:
    """`code` with a word in the place of each secret; a private key stays, since its first line alone is found."""
    whole = (detector for name, detector in _detectors().items() if name != _PRIVATE_KEY)
    for secret in sorted({found for detector in whole for found in detector.analyze_string(code)}, key=len)[::-1]:
        code = code.replace(secret, _BLANK)
    return code


def has_secret(code: str) -> bool:
    """Whether `code` holds a token, key or password in a format that a provider issues."""
    return any(True for detector in _detectors().values() for _ in detector.analyze_string(code))
