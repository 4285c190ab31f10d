-- 0011_sample: the rows of the view task_outcome_sample, kept apart: of a long log they are read in no time.
CREATE TABLE sampled_outcome AS FROM task_outcome WHERE decision_bucket < 64 OR cluster_bucket < 64;
