-- The budget ledger: statements by name, for SQLite. All money is integer nano-USD.
-- Every call counts in the day, in the month and in the total of each of its scopes, so that a cap of any period,
-- set or changed at any time, finds what was spent before.

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
    reserved_nano_usd INTEGER NOT NULL,
    settled_nano_usd INTEGER,
    reserved_at_us INTEGER NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (attempt_id, scope)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reconciled (
    once INTEGER PRIMARY KEY CHECK (once = 1),
    at_us INTEGER NOT NULL
);

-- name: spent
SELECT nano_usd FROM spending WHERE scope = :scope AND period = :period;

-- name: reserve
INSERT INTO reservation VALUES (:attempt_id, :scope, :nano_usd, NULL, :at_us, :owner);

-- name: add
INSERT INTO spending VALUES (:scope, :period, :nano_usd)
ON CONFLICT (scope, period) DO UPDATE SET nano_usd = nano_usd + excluded.nano_usd;

-- name: open
SELECT scope, reserved_nano_usd, reserved_at_us FROM reservation
WHERE attempt_id = :attempt_id AND settled_nano_usd IS NULL;

-- name: settle
UPDATE reservation SET settled_nano_usd = :nano_usd WHERE attempt_id = :attempt_id AND settled_nano_usd IS NULL;

-- name: known
SELECT 1 FROM reservation WHERE attempt_id = :attempt_id LIMIT 1;

-- name: known_in
SELECT 1 FROM reservation WHERE attempt_id = :attempt_id AND scope = :scope;

-- name: unsettled
SELECT DISTINCT attempt_id, reserved_at_us, owner FROM reservation WHERE settled_nano_usd IS NULL AND owner <> '';

-- name: logged
UPDATE reservation SET owner = '' WHERE attempt_id = :attempt_id AND owner <> '' AND settled_nano_usd IS NULL;

-- name: reconciled
SELECT at_us FROM reconciled;

-- name: reconcile
INSERT INTO reconciled VALUES (1, :at_us) ON CONFLICT (once) DO UPDATE SET at_us = excluded.at_us;

-- name: calls_of
SELECT count(*) FROM reservation WHERE scope = :scope;

-- name: forget_calls
DELETE FROM reservation
WHERE settled_nano_usd IS NOT NULL AND attempt_id IN (SELECT attempt_id FROM reservation WHERE scope = :scope);

-- name: forget_bookings
DELETE FROM reservation WHERE scope = :scope;

-- name: forget_spending
DELETE FROM spending WHERE scope = :scope;
