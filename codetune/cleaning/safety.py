"""What may not be passed on: code under a licence that is not allowed, secrets, personal data."""

from __future__ import annotations

from codetune.cleaning.params import CleanParams
from codetune.cleaning.personal import personal_data, without_personal_data
from codetune.cleaning.reasons import Drop
from codetune.cleaning.secrets import has_secret, without_secrets
from codetune.ingestion.licenses import PERMISSIVE, UNKNOWN, permits


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

    What cannot be blanked, as a private key of many lines, is dropped all the same.
    """
    if has_secret(text):
        text = without_secrets(text) if params.secrets == "redact" else text
        if has_secret(text):
            return Drop("secret")
    if params.personal_data == "keep" or (kind := personal_data(text)) is None:
        return text
    return without_personal_data(text) if params.personal_data == "redact" else Drop("personal_data", found=kind)
