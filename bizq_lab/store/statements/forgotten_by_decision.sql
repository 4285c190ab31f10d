-- forgotten_by_decision: a condition: this row is of a decision that was forgotten. NULL where nobody knows.
-- params:  salt
sha256($salt || decision_id) IN (SELECT decision_sha256 FROM __tombs__forgotten_decision)
