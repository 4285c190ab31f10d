-- feedback_latest: the latest word of each rater on each decision.
-- grain:   one row per (decision_id, rater, source)
-- reads:   feedback
-- columns: rating 1 to 5, NULL where only a comment was left; said_at UTC; times_said counts all words of that rater
CREATE OR REPLACE VIEW feedback_latest AS
SELECT
    decision_id, rater, source, task_id,
    rating_ppm / 1e6 AS rating,
    comment,
    make_timestamp(recorded_at_us) AS said_at,
    count(*) OVER (PARTITION BY decision_id, rater, source) AS times_said
FROM feedback
QUALIFY row_number() OVER (PARTITION BY decision_id, rater, source ORDER BY recorded_at_us DESC, event_id DESC) = 1;
