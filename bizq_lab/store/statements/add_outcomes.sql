-- add_outcomes: rows of task_outcome, and those of them that the view task_outcome_sample shows, kept apart too.
INSERT INTO task_outcome BY NAME FROM __rows__;
INSERT INTO sampled_outcome BY NAME FROM __rows__ WHERE decision_bucket < 64 OR cluster_bucket < 64;
