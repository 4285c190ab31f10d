-- advance: how far a segment has been collected, in the transaction that collects it.
MERGE INTO collected_segment AS known
USING (SELECT $segment AS segment, $end AS collected_bytes, $events AS events, $quarantined AS quarantined) AS seen
USING (segment)
WHEN MATCHED THEN UPDATE SET
    collected_bytes = seen.collected_bytes,
    events = known.events + seen.events,
    quarantined = known.quarantined + seen.quarantined
WHEN NOT MATCHED THEN INSERT VALUES (seen.segment, seen.collected_bytes, seen.events, seen.quarantined);
