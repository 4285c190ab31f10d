-- touch: the decisions that the staged rows name; those of which the log has some event already go into `known`.
INSERT INTO touched
SELECT DISTINCT decision_id
FROM (
    SELECT decision_id FROM staged_decision
    UNION ALL SELECT decision_id FROM staged_outcome
    UNION ALL SELECT decision_id FROM staged_feedback
)
WHERE decision_id IS NOT NULL;
CREATE OR REPLACE TEMP TABLE known AS
SELECT decision_id
FROM touched
SEMI JOIN (
    SELECT decision_id FROM decision
    UNION ALL SELECT decision_id FROM outcome
    UNION ALL SELECT decision_id FROM feedback
) AS event USING (decision_id);
DELETE FROM touched WHERE decision_id IN (SELECT decision_id FROM known);
