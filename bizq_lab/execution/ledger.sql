-- The budget ledger: statements by name, for SQLite. All money is integer nano-USD.

-- name: schema
CREATE TABLE IF NOT EXISTS spending (
    scope TEXT NOT NULL,
    period TEXT NOT NULL,
    nano_usd INTEGER NOT NULL,
    PRIMARY KEY (scope, period)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reservation (
    attempt_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    period TEXT NOT NULL,
    reserved_nano_usd INTEGER NOT NULL,
    settled_nano_usd INTEGER,
    reserved_at_us INTEGER NOT NULL,
    PRIMARY KEY (attempt_id, scope)
) WITHOUT ROWID;

-- name: spent
SELECT nano_usd FROM spending WHERE scope = :scope AND period = :period;

-- name: reserve
INSERT INTO reservation VALUES (:attempt_id, :scope, :period, :nano_usd, NULL, :at_us);

-- name: add
INSERT INTO spending VALUES (:scope, :period, :nano_usd)
ON CONFLICT (scope, period) DO UPDATE SET nano_usd = nano_usd + excluded.nano_usd;

-- name: open
SELECT scope, period, reserved_nano_usd FROM reservation WHERE attempt_id = :attempt_id AND settled_nano_usd IS NULL;

-- name: settle
UPDATE reservation SET settled_nano_usd = :nano_usd WHERE attempt_id = :attempt_id AND settled_nano_usd IS NULL;
