"""The FTP receiver: cameras without a better way to tell of an alarm upload a picture. It is a trigger, never kept."""
