-- imported_events: which events of these decisions the log has already; an import writes the others.
-- grain:   one row per event_id
-- reads:   decision, attempt, outcome
-- params:  decision_ids
SELECT event_id FROM decision WHERE decision_id IN (SELECT unnest($decision_ids::VARCHAR[]))
UNION
SELECT event_id FROM attempt WHERE decision_id IN (SELECT unnest($decision_ids::VARCHAR[]))
UNION
SELECT event_id FROM outcome WHERE decision_id IN (SELECT unnest($decision_ids::VARCHAR[]))
ORDER BY event_id
