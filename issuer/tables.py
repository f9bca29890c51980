"""All tables: whoever opens a core, migrates or rewraps imports this, so that every model is in the metadata.

Foreign keys are named by text; SQLAlchemy resolves them at the first write, by which time every table must be known.
What a card says about its holder's insurance is connected here too: the records of insurance are above the cards.
"""

from __future__ import annotations

from .accounts import models as _accounts  # noqa: F401
from .approvals import models as _approvals  # noqa: F401
from .audit import models as _audit  # noqa: F401
from .batches import models as _batches  # noqa: F401
from .bulk import models as _bulk  # noqa: F401
from .cards import holder_insurance as _holder_insurance
from .cards import models as _cards  # noqa: F401
from .db import idempotency as _idempotency  # noqa: F401
from .db import meta as _meta  # noqa: F401
from .enquiries import models as _enquiries  # noqa: F401
from .insurance import card_codes as _card_codes
from .insurance import models as _insurance  # noqa: F401
from .keys import models as _keys  # noqa: F401
from .notices import models as _notices  # noqa: F401
from .permits import merger_models as _mergers  # noqa: F401
from .permits import models as _permits  # noqa: F401
from .permits import remedy_models as _remedies  # noqa: F401
from .permits import social_card_models as _social_cards  # noqa: F401
from .privacy import models as _privacy  # noqa: F401
from .processes import models as _processes  # noqa: F401
from .published import models as _published  # noqa: F401
from .rules import models as _rules  # noqa: F401
from .status import models as _status  # noqa: F401
from .worker import models as _worker  # noqa: F401

__all__: list[str] = []

_holder_insurance.answer_from(_card_codes.insurance_on_record)
