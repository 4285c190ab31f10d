-- record_of_decision: what the log already holds of one decision.
-- grain:   one row
-- reads:   decision, outcome, feedback
SELECT (SELECT min(model) FROM decision WHERE decision_id = $decision_id) AS assigned_model,
       (SELECT count(*) FROM outcome WHERE decision_id = $decision_id) AS outcomes,
       (SELECT coalesce(list(event_id ORDER BY event_id), []) FROM feedback WHERE decision_id = $decision_id) AS feedback_ids;
