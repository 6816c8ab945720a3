"""Alarms: what raises them, how long they last, and the control channel on which cameras tell of them."""
