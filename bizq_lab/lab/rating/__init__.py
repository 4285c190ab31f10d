"""People rate outputs: blind, in random order, in a notebook or through a CSV. Must not know what a rating decides."""

from bizq_lab.lab.rating.agreement import RaterAgreement, rater_agreement
from bizq_lab.lab.rating.session import Item, RatingSession, open_session

__all__ = ["Item", "RaterAgreement", "RatingSession", "open_session", "rater_agreement"]
