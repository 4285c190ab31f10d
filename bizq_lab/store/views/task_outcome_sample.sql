-- task_outcome_sample: a part of task_outcome to look at when all of it is too much: two random sixty-fourths, of the
--          decisions and of what was drawn together. Counting either takes its own condition beside.
-- grain:   one row per (decision_id)
-- reads:   task_outcome
-- columns: as in task_outcome; `decision_bucket < 64` gives a sixty-fourth of the decisions, `cluster_bucket < 64` one
--          of the assignment units, each with all its decisions
CREATE OR REPLACE VIEW task_outcome_sample AS
SELECT * FROM task_outcome WHERE decision_bucket < 64 OR cluster_bucket < 64;
