  AND (decision_id IS NULL OR decision_id NOT IN (SELECT decision_id FROM staying))
