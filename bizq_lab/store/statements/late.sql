-- late: touched decisions of which the archive holds a part, or may.
INSERT INTO late_decision
SELECT t.decision_id
FROM (SELECT DISTINCT decision_id FROM touched) AS t
    LEFT JOIN (SELECT decision_id, min(recorded_at_us) AS at_us FROM decision SEMI JOIN touched USING (decision_id)
        GROUP BY decision_id) AS d USING (decision_id)
    ANTI JOIN late_decision AS l ON l.decision_id = t.decision_id
WHERE coalesce(d.at_us, 0) < (SELECT max(before_us) FROM archive_place);
DELETE FROM late_decision
WHERE decision_id IN (
    SELECT decision_id FROM decision SEMI JOIN touched USING (decision_id)
    GROUP BY decision_id HAVING min(recorded_at_us) >= (SELECT max(before_us) FROM archive_place));
