"""Every error Deskhand raises on purpose, drawn once.

    DeskhandError (RuntimeError)     raised on the agent floor
    ├── SetupError                   a setting cannot be used: the operator must change it
    ├── Busy                         the conversation is still answering an earlier turn
    ├── NotFound                     no such conversation, reply or order is known here
    └── ShopError                    the shop's own system cannot be reached or understood

The lower floors know nothing of this one, so their errors stand beside it, not under it:

    ValueError                       RuntimeError
    ├── fusion.types.BadInput        ├── fusion.types.WeightsError
    └── knowledge.types.BadFeed      └── knowledge.types.KnowledgeError
                                         ├── NoIndex
                                         ├── IndexMismatch
                                         ├── IndexDamaged
                                         └── IndexBusy

Every message is a sentence. Whoever reads it decides the group: the two tuples below are what a
door catches. Anything else that escapes is a fault in Deskhand and is logged as one.
"""

from __future__ import annotations

from fusion.types import BadInput, WeightsError
from knowledge.types import BadFeed, KnowledgeError


class DeskhandError(RuntimeError):
    """Base of the errors of the agent floor."""


class SetupError(DeskhandError):
    """A setting cannot be used. The message names the setting and what to do."""


class Busy(DeskhandError):
    """The conversation is still answering an earlier turn. The customer may try again."""


class NotFound(DeskhandError):
    """There is no such conversation, reply or order here."""


class ShopError(DeskhandError):
    """The shop's own system cannot be reached, or answered something that is not an answer."""


CUSTOMER_ERRORS = (BadInput, BadFeed, Busy, NotFound)
"""The input is at fault, or the moment: the message is for whoever sent it."""

OPERATOR_ERRORS = (SetupError, WeightsError, KnowledgeError, ShopError)
"""The installation is at fault: the message is for whoever runs it, and names the fix."""
