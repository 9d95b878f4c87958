"""The store: runs, steps, rankings and visits in a database reached by URL; raw outcomes, exchanged as JSON."""

from nasboard.harness.store.claim import Claim
from nasboard.harness.store.moved import Moved
from nasboard.harness.store.owner import new_owner, owner_alive
from nasboard.harness.store.store import Store, open_store
from nasboard.harness.store.write import Ending, Planned

__all__ = ["Claim", "Ending", "Moved", "Planned", "Store", "new_owner", "open_store", "owner_alive"]
