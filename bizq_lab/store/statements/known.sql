-- known: touched decisions of which the log has some event already; the others stay touched.
CREATE OR REPLACE TEMP TABLE known AS
SELECT decision_id
FROM touched
SEMI JOIN (
    SELECT decision_id FROM decision
    UNION ALL SELECT decision_id FROM outcome
    UNION ALL SELECT decision_id FROM feedback
) AS event USING (decision_id);
DELETE FROM touched WHERE decision_id IN (SELECT decision_id FROM known);
