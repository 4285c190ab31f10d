-- forget_early: rows that were collected before their decision, which turns out to be of a forgotten workspace.
DELETE FROM __table__ WHERE decision_id IN (SELECT decision_id FROM forgotten_now);
