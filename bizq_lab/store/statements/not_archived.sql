-- not_archived: decisions that an archive lacks, and those of which it does not hold the latest news.
-- reads:   task_outcome, late_decision
SELECT (SELECT count(*) FROM task_outcome), (SELECT count(*) FROM late_decision);
