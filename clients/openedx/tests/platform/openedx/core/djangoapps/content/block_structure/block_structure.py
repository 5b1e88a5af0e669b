"""A tree of blocks with collected fields, read as the platform's is."""

from collections.abc import Iterator
from typing import Any

from opaque_keys.edx.keys import UsageKey


class BlockStructureBlockData:
    """Blocks are added from the top; a block that is added twice has two parents."""

    def __init__(self, root_block_usage_key: UsageKey) -> None:
        self.root_block_usage_key = root_block_usage_key
        self._parents: dict[UsageKey, list[UsageKey]] = {root_block_usage_key: []}
        self._fields: dict[UsageKey, dict[str, Any]] = {root_block_usage_key: {}}
        self._transformers: dict[UsageKey, dict[str, dict[str, Any]]] = {root_block_usage_key: {}}

    def add(self, key: UsageKey, parent: UsageKey, *, transformers: Any = None, **fields: Any) -> UsageKey:
        """For the tests."""
        self._parents.setdefault(key, []).append(parent)
        self._fields.setdefault(key, {}).update(fields)
        self._transformers.setdefault(key, {}).update(transformers or {})
        return key

    def topological_traversal(self) -> Iterator[UsageKey]:
        """Parents before their children."""
        yield from self._parents

    def get_parents(self, usage_key: UsageKey) -> list[UsageKey]:
        """Those of one block, in their order."""
        return self._parents[usage_key]

    def get_xblock_field(self, usage_key: UsageKey, field_name: str, default: Any = None) -> Any:
        """A field of the block."""
        return self._fields.get(usage_key, {}).get(field_name, default)

    def get_transformer_block_field(self, usage_key: UsageKey, transformer: str, key: str, default: Any = None) -> Any:
        """What a transformer has left at the block."""
        return self._transformers.get(usage_key, {}).get(transformer, {}).get(key, default)
