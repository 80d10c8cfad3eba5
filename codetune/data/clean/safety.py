"""What may not be passed on: code under a licence that is not allowed, secrets, personal data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from codetune.data.clean.params import CleanParams
from codetune.data.clean.personal import personal_data, without_personal_data
from codetune.data.clean.reasons import Drop
from codetune.data.clean.secrets import BLANK, has_secret, secrets_in, without_secrets
from codetune.data.ingest.licenses import PERMISSIVE, UNKNOWN, permits

_PART = 6  # characters of a secret that tell something of it
_MAYBE = re.compile(r"[\"'@]|://|(?=[\w-]*\d)[\w-]{12}")  # what may be part of a secret; names seldom are


def license_drop(expression: str, params: CleanParams) -> Drop | None:
    """The drop of what stands under a licence that params.yaml does not allow, or None.

    :param expression: SPDX; `NOASSERTION` where nobody names one.
    """
    if expression == UNKNOWN:
        allowed = params.unknown_license == "keep"
    else:
        allowed = params.licenses == "any" or permits(
            expression, PERMISSIVE if params.licenses == "permissive" else params.licenses
        )
    return None if allowed else Drop("license_not_allowed", found=expression)


def scrubbed(text: str, params: CleanParams) -> str | Drop:
    """`text` as it may be passed on, or why it may not.

    What cannot be blanked, as a private key without its end, is dropped all the same.
    """
    if has_secret(text):
        text = without_secrets(text) if params.secrets == "redact" else text
        if has_secret(text):
            return Drop("secret")
    if params.personal_data == "keep" or (kind := personal_data(text)) is None:
        return text
    return without_personal_data(text) if params.personal_data == "redact" else Drop("personal_data", found=kind)


def blanked(text: str, params: CleanParams) -> str:
    """`text` without what may not be passed on, whatever params.yaml says of rows that show it."""
    text = without_secrets(text)
    return text if params.personal_data == "keep" else without_personal_data(text)


def discreet(drop: Drop, texts: Iterable[str], params: CleanParams) -> Drop:
    """A drop whose `found` holds no part of a secret: it is written to the ledger.

    :param texts: what the rule may have found it in; `found` itself may be cut short.
    """
    if drop.found is None or not _MAYBE.search(drop.found):
        return drop
    secrets = {secret for text in texts for secret in secrets_in(text)}
    parts = {secret[at : at + _PART] for secret in secrets for at in range(max(1, len(secret) - _PART + 1))}
    if any(part in drop.found for part in parts):
        return replace(drop, found=BLANK)
    return replace(drop, found=blanked(drop.found, params))
