"""Drop or clean rows that must not be published: licences that are not allowed, secrets, personal data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from codetune.data.clean.params import CleanParams
from codetune.data.clean.personal import personal_data, without_personal_data
from codetune.data.clean.reasons import Drop
from codetune.data.clean.secrets import BLANK, has_secret, secrets_in, without_secrets
from codetune.data.ingest.licenses import PERMISSIVE, UNKNOWN, permits

_PART = 6  # number of characters of a secret that reveal a part of it
_MAYBE = re.compile(r"[\"'@]|://|(?=[\w-]*\d)[\w-]{12}")  # may be part of a secret; identifiers seldom match


def license_drop(expression: str, params: CleanParams) -> Drop | None:
    """Drop a row whose licence params.yaml does not allow.

    :param expression: SPDX expression; `NOASSERTION` if the licence is unknown.
    :returns: the drop, or None.
    """
    if expression == UNKNOWN:
        allowed = params.unknown_license == "keep"
    else:
        allowed = params.licenses == "any" or permits(
            expression, PERMISSIVE if params.licenses == "permissive" else params.licenses
        )
    return None if allowed else Drop("license_not_allowed", found=expression)


def redacted_or_dropped(text: str, params: CleanParams) -> str | Drop:
    """Return a text without secrets and personal data, or a drop if params.yaml says so.

    A secret that cannot be replaced, such as a private key without its end, is always a reason to drop.
    """
    if has_secret(text):
        text = without_secrets(text) if params.secrets == "redact" else text
        if has_secret(text):
            return Drop("secret")
    if params.personal_data == "keep" or (kind := personal_data(text)) is None:
        return text
    return without_personal_data(text) if params.personal_data == "redact" else Drop("personal_data", found=kind)


def redacted(text: str, params: CleanParams) -> str:
    """Replace secrets in a text, and personal data unless params.yaml keeps it, even if such rows would be dropped."""
    text = without_secrets(text)
    return text if params.personal_data == "keep" else without_personal_data(text)


def without_secret_parts(drop: Drop, texts: Iterable[str], params: CleanParams) -> Drop:
    """Remove parts of secrets from the `found` text of a drop, because it is written to the ledger.

    :param drop: a drop; its `found` may be a shortened text.
    :param texts: the texts in which the rule may have found it.
    """
    if drop.found is None or not _MAYBE.search(drop.found):
        return drop
    secrets = {secret for text in texts for secret in secrets_in(text)}
    parts = {secret[at : at + _PART] for secret in secrets for at in range(max(1, len(secret) - _PART + 1))}
    if any(part in drop.found for part in parts):
        return replace(drop, found=BLANK)
    return replace(drop, found=redacted(drop.found, params))
