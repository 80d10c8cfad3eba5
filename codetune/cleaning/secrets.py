"""Secrets in code, found by those detect-secrets plugins that match a provider's own token format.

The entropy and keyword plugins are left out: on code they fire on plain identifiers (detect-secrets issue 693).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from detect_secrets.plugins.artifactory import ArtifactoryDetector
from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.private_key import PrivateKeyDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

_DETECTORS = (
    ArtifactoryDetector, AWSKeyDetector, AzureStorageKeyDetector, BasicAuthDetector, DiscordBotTokenDetector,
    GitHubTokenDetector, GitLabTokenDetector, JwtTokenDetector, NpmDetector, OpenAIDetector, PrivateKeyDetector,
    PypiTokenDetector, SendGridDetector, SlackDetector, StripeDetector, TwilioKeyDetector,
)  # fmt: skip


_BLANK = "REDACTED"


@cache
def _detectors() -> tuple[Any, ...]:
    return tuple(detector() for detector in _DETECTORS)


def without_secrets(code: str) -> str:
    """`code` with a word in the place of each secret; a private key stays, since its first line alone is found."""
    whole = (detector for detector in _detectors() if not isinstance(detector, PrivateKeyDetector))
    for secret in sorted({found for detector in whole for found in detector.analyze_string(code)}, key=len)[::-1]:
        code = code.replace(secret, _BLANK)
    return code


def has_secret(code: str) -> bool:
    """Whether `code` holds a token, key or password in a format that a provider issues."""
    return any(True for detector in _detectors() for _ in detector.analyze_string(code))
