"""Keeping nothing of a case in memory once it is off the screen.

Textual keeps closed widgets for a while, in its timers and its lists of watchers, and keeps what it
has drawn in its caches; rich keeps the width of each text that it measured.
"""

import gc
from functools import _lru_cache_wrapper

from textual.cache import FIFOCache, LRUCache
from textual.widget import Widget


class Forgets(Widget):
    """A widget or a screen that holds nothing once it is closed."""

    def on_unmount(self) -> None:
        """Forget the content and everything drawn from it."""
        self.forget()
        self._styles_cache.clear()

    def forget(self) -> None:
        """Hold nothing that could be read."""


def clear_caches() -> None:
    """Empty all caches of texts; what they held is computed again when needed."""
    # Otherwise objects excluded from collections would not be among those listed.
    gc.unfreeze()
    gc.collect()
    for one in gc.get_objects():
        if isinstance(one, _lru_cache_wrapper):
            one.cache_clear()
        elif isinstance(one, LRUCache | FIFOCache):
            one.clear()
