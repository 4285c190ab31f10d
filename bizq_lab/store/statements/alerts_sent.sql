-- alerts_sent: how many alerts went out since an instant, by channel.
-- grain:   one row per channel
-- params:  since_us UTC microseconds; NULL: ever
SELECT channel, count(*) AS alerts
FROM delivery
WHERE status = 'sent' AND ($since_us::BIGINT IS NULL OR recorded_at_us >= $since_us)
GROUP BY channel
ORDER BY channel;
