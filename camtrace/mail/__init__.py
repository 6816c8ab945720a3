"""Mails: what happened, told to who may know it, by way of a mail server of the shop's choice."""
