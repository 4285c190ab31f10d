-- touch: the decisions that the staged rows of one kind name.
INSERT INTO touched SELECT DISTINCT decision_id FROM staged___kind__ WHERE decision_id IS NOT NULL;
