-- alerts_due: alerts that a channel has neither accepted nor laid to rest, oldest first.
-- grain:   one row per event_id
-- reads:   alert, delivery
-- columns: cooling: the same kind of alert went to that channel after rested_us
-- params:  channel, since_us, rested_us
WITH raised AS (
    SELECT event_id, min(recorded_at_us) AS recorded_at_us, min(alert_type) AS alert_type, min(task_type) AS task_type,
        min(model) AS model, min(message) AS message
    FROM alert
    GROUP BY event_id
), gone AS (
    SELECT d.alert_event_id, max(CASE WHEN d.status = 'sent' THEN d.recorded_at_us END) AS sent_us
    FROM delivery AS d
    WHERE d.channel = $channel AND d.status IN ('sent', 'resting')
    GROUP BY d.alert_event_id
), warm AS (
    SELECT r.alert_type, r.task_type, r.model
    FROM raised AS r
    INNER JOIN gone AS g ON g.alert_event_id = r.event_id
    WHERE g.sent_us >= $rested_us
    GROUP BY r.alert_type, r.task_type, r.model
)
SELECT
    r.event_id, r.recorded_at_us, r.alert_type, r.task_type, r.model, r.message,
    w.alert_type IS NOT NULL AS cooling
FROM raised AS r
LEFT JOIN gone AS g ON g.alert_event_id = r.event_id
LEFT JOIN warm AS w ON w.alert_type = r.alert_type AND w.task_type = r.task_type AND w.model = r.model
WHERE g.alert_event_id IS NULL AND r.recorded_at_us >= $since_us
ORDER BY r.recorded_at_us, r.event_id
