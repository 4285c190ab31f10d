-- attach_earlier: the log as it is, to be read while it is written anew.
ATTACH '__file__' AS earlier (READ_ONLY);
