-- drop_outcomes: the touched decisions' rows, to be told anew.
DELETE FROM task_outcome WHERE decision_id IN (SELECT decision_id FROM touched);
DELETE FROM sampled_outcome WHERE decision_id IN (SELECT decision_id FROM touched);
