-- forget_staged: remember the staged decisions of forgotten workspaces, and have their ids at hand.
-- params:  salt
CREATE OR REPLACE TEMP TABLE forgotten_now AS
SELECT DISTINCT decision_id FROM staged_decision
WHERE decision_id IS NOT NULL AND (
__forgotten__
) IS TRUE;
INSERT INTO forgotten_decision
SELECT sha256($salt || decision_id) FROM forgotten_now
WHERE sha256($salt || decision_id) NOT IN (SELECT decision_sha256 FROM forgotten_decision);
