-- archive_staying: decisions that do not move, or are not known yet, though something older of theirs would.
-- params:  before_us
CREATE OR REPLACE TEMP TABLE staying AS
SELECT DISTINCT decision_id
FROM (SELECT decision_id, recorded_at_us FROM outcome UNION ALL SELECT decision_id, recorded_at_us FROM feedback)
    ANTI JOIN (SELECT decision_id FROM decision WHERE recorded_at_us < $before_us) AS leaving USING (decision_id)
WHERE recorded_at_us < $before_us AND decision_id IS NOT NULL;
