-- collected: how far each journal segment is in the tables.
SELECT segment, collected_bytes FROM collected_segment ORDER BY ALL;
