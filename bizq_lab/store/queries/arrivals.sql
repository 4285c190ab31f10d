-- arrivals: assignment units by the look that first saw them, against the propensities the log promised them (S29).
-- grain:   one row per (look, experiment, stage, config_hash, eligible, arm)
-- reads:   task_outcome, decision
-- columns: look counts from 0, the instants in looks_us that lie before the unit's first exposure; eligible names the arms
--          a unit could get; observed counts units that got this arm; propensity_ppb is this arm's, equal for the row
-- params:  experiment, looks_us (ascending instants; later units are left out)
--
-- Each unit counts once, at its first exposure per (experiment, ramp stage).
WITH exposed AS (
    SELECT stage, unit, min(decided_at_us) AS first_us, arg_min(decision_id, (decided_at_us, decision_id)) AS decision_id
    FROM task_outcome
    WHERE experiment = $experiment AND design = 'randomised'
    GROUP BY ALL
), seen AS (
    SELECT *, array_length(list_filter($looks_us::BIGINT[], lambda at_us: at_us < first_us)) AS look
    FROM exposed
    WHERE first_us <= list_max($looks_us::BIGINT[])
), offered AS (
    SELECT
        s.look, d.stage, d.config_hash, d.decision_id, d.arm AS assigned,
        unnest(from_json(d.candidates, '[{"arm":"VARCHAR","propensity":"DOUBLE"}]')) AS candidate
    FROM seen AS s JOIN decision AS d USING (decision_id)
), option AS (
    SELECT
        look, stage, config_hash, decision_id, assigned,
        candidate.arm AS arm, round(candidate.propensity * 1e9)::BIGINT AS propensity_ppb
    FROM offered
    WHERE candidate.propensity > 0
), unit AS (
    SELECT decision_id, string_agg(arm || '=' || propensity_ppb, ',' ORDER BY arm) AS eligible
    FROM option
    GROUP BY decision_id
)
SELECT look, stage, config_hash, eligible, arm, propensity_ppb, count(*) FILTER (assigned = arm)::BIGINT AS observed
FROM option JOIN unit USING (decision_id)
GROUP BY ALL
ORDER BY ALL
