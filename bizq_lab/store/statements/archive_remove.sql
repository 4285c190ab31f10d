-- archive_remove: the rows of one table that the archive holds now.
DELETE FROM __table__
WHERE __time__ < __before_us__
__leaving__;
