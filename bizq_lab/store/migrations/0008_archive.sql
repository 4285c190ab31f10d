-- 0008_archive: which rows have moved to Parquet files, and which decisions heard news since.

-- The archive of this log, at most one: its place (relative paths start at the log's folder), and the instant before
-- which rows have moved.
CREATE TABLE archive_place (
    archive_id VARCHAR NOT NULL,
    url VARCHAR NOT NULL,
    before_us BIGINT NOT NULL
);

-- Its files. Committed together with the removal of their rows here, hence every row is in exactly one place.
CREATE TABLE archived_file (
    table_name VARCHAR NOT NULL,
    day VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    row_count BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    sha256 VARCHAR NOT NULL,
    schema_version INTEGER NOT NULL
);

-- Decisions whose archived outcome is out of date, because some of their events came later. The next archiving clears it.
CREATE TABLE late_decision (decision_id VARCHAR NOT NULL);
