-- past_touched: the decisions whose rows something later changed, and an empty table for their rows as they were.
INSERT INTO touched
SELECT decision_id
FROM __source__
WHERE decided_at_us < __before_us__ AND (finished_at_us >= __before_us__ OR feedback_at_us >= __before_us__);
CREATE OR REPLACE TEMP TABLE retold AS FROM __source__ LIMIT 0;
