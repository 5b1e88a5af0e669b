"""The tool's own signing keys (1EdTech Security Framework 1.0, section 6)."""

from tortoise import fields
from tortoise.models import Model


class ToolKey(Model):
    """An RSA key pair. Published from the start, it signs from ``signs_from`` until it is withdrawn or replaced."""

    id = fields.BigIntField(primary_key=True)
    # The thumbprint of the public key (RFC 7638).
    kid = fields.CharField(max_length=64, unique=True)
    # In PEM, as :mod:`models.encryption` stores secrets.
    private_pem = fields.TextField()
    # Milliseconds since 1970.
    created_at = fields.BigIntField()
    signs_from = fields.BigIntField()
    withdrawn_at = fields.BigIntField(null=True)

    class Meta:
        table = "tool_key"
        table_description = "Keys with which the tool signs"
