-- touch: the decisions that the staged rows name.
INSERT INTO touched
SELECT DISTINCT decision_id
FROM (
    SELECT decision_id FROM staged_decision
    UNION ALL SELECT decision_id FROM staged_outcome
    UNION ALL SELECT decision_id FROM staged_feedback
)
WHERE decision_id IS NOT NULL;
