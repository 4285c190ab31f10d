-- sample_again: the whole of sampled_outcome, from the table that it is a part of.
DELETE FROM sampled_outcome;
INSERT INTO sampled_outcome BY NAME FROM task_outcome WHERE decision_bucket < 64 OR cluster_bucket < 64;
