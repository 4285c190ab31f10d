-- advance: how far each segment has been collected, in the transaction that collects it.
MERGE INTO collected_segment AS known
USING (
    SELECT
        unnest($segment::VARCHAR[]) AS segment, unnest($end::BIGINT[]) AS collected_bytes,
        unnest($events::BIGINT[]) AS events, unnest($quarantined::BIGINT[]) AS quarantined
) AS seen
USING (segment)
WHEN MATCHED THEN UPDATE SET
    collected_bytes = seen.collected_bytes,
    events = known.events + seen.events,
    quarantined = known.quarantined + seen.quarantined
WHEN NOT MATCHED THEN INSERT VALUES (seen.segment, seen.collected_bytes, seen.events, seen.quarantined);
