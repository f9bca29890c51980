"""What a verifier knows, on disk: trust lists, timestamps, status lists and the marks that keep them from going back.

>>> import tempfile
>>> from verifier.store import Store
>>> store = Store(tempfile.mkdtemp())
>>> store.load(), store.names()
((), ())

``Store.create`` starts a trust domain from an anchor, ``Store.apply`` takes new knowledge in, ``Store.load`` gives the
domains for a :class:`verifier.Verifier`. Nothing here touches a network: see :mod:`verifier.sync`.
"""

from .decide import Update
from .folder import default_folder
from .freshness import Freshness, freshness
from .in_memory import domain_of_bundle
from .reading import Fault
from .report import Item, Report
from .store import Store

__all__ = ["Fault", "Freshness", "Item", "Report", "Store", "Update", "default_folder", "domain_of_bundle", "freshness"]
