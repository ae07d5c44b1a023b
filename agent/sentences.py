"""What the built-in composer says word for word; agent/catalogues has it in other languages."""

from __future__ import annotations

CARDS = 4  # products shown at most, the best included
SEARCHES = ("product_search", "recommendation")

OFFER = "I can look up products, delivery, returns and payment, and take care of an order with you."
GREETINGS = (
    f"Hello! {OFFER} What are you looking for?",
    "Hello again! What can I look up for you?",
)
THANKS = (
    "You are welcome. Write again whenever something comes up.",
    "With pleasure. I am here if anything else comes up.",
)
SORRY = {
    "damaged_item": "I am sorry that it did not arrive as it should.",
    "complaint": "I am sorry about that.",
}
NEXT = {
    "order_status": "To look it up here, give me your e-mail address and the order number.",
    "cancel_order": "To cancel one here, give me your e-mail address and the order number.",
    "change_order": "To change one here, give me your e-mail address and the order number.",
    "return": "To start a return here, give me your e-mail address and the order number.",
    "exchange": "To ask for an exchange, give me your e-mail address and the order number.",
    "refund": "If it is about an order of yours, give me your e-mail address and the order number.",
    "damaged_item": "Give me your e-mail address and the order number, and a photo if you can.",
    "delivery": "If a parcel is on its way, I can look it up with your e-mail address and the "
    "order number.",
    "payment": "If a payment went wrong, tell me what you saw, or ask for a person.",
    "invoice": "If it is missing, say so and I pass you on to a colleague.",
    "account": "If that does not work, say so and I pass you on to a colleague.",
    "complaint": "If you would rather talk to a person, just say so.",
}
PASSED_ON = "I am passing you on to a colleague, who sees our conversation and answers here."
HAND_OFFS = {
    "asked": "",
    "unhappy": "I am sorry that I am not more help.",
    "complaint": "I am sorry about that. A colleague should look at it.",
    "identity": "I cannot find you or your order with that.",
    "not_understood": "I do not understand you well enough, and I am sorry about that.",
    "failed": "I did not find what you are looking for, and I am sorry about that.",
    "damaged_item": "I am sorry that it did not arrive as it should.",
    "change_order": "What is in an order is changed by a colleague.",
    "exchange": "An exchange is arranged by a colleague.",
}
"""What is said before `PASSED_ON`, by the reason of a hand-off."""

SILENT = {
    "waiting": "A person answers you here as soon as one is free.",
    "taken": "A person has taken over.",
}
"""What a door shows where the agent says nothing, by the reason of the hand-off."""

NOT_FOUND = "I do not find that in the shop's catalogue or help pages."
TRY = "Try other words or a photo, or ask for a person and I pass you on."
MAYBE = 0.1  # a hit that is less sure is not worth mentioning
NAMED = 2  # hits mentioned that may not be what was meant
DECLINES = {
    "out_of_scope": f"That is outside what I can answer here. {OFFER}",
    "unreadable": "Please try again, or write to me instead.",
}
