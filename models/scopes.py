"""The scopes of Assignment and Grade Services (LTI AGS 2.0, sections 3.2 to 3.4)."""

_AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
#: To send scores.
SCORE_SCOPE = f"{_AGS}score"
#: To read what the platform holds.
RESULT_SCOPE = f"{_AGS}result.readonly"
#: To find and make line items.
LINEITEM_SCOPE = f"{_AGS}lineitem"
#: To find line items.
LINEITEM_READ_SCOPE = f"{_AGS}lineitem.readonly"

AGS_SCOPES = (SCORE_SCOPE, RESULT_SCOPE, LINEITEM_SCOPE, LINEITEM_READ_SCOPE)
