"""Profiles, users and their rights."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

ADMINISTRATOR = "administrator"  # the profile that has all rights and all cameras, and stays


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of rights. `cameras` are uids it may see; None means all, later ones included."""

    id: int
    name: str
    rights: frozenset[str]
    cameras: frozenset[int] | None = None

    def covers(self, other: Profile) -> bool:
        """Whether who has this profile has every right, and sees every camera, that `other` gives."""
        seen = self.cameras is None or (other.cameras is not None and other.cameras <= self.cameras)
        return seen and other.rights <= self.rights


@dataclass(frozen=True, slots=True)
class User:
    """A person with one profile. `password_hash` is Argon2id; `player_ha1` are sealed Digest secrets."""

    id: int
    name: str
    profile: Profile
    password_hash: str = field(default="", repr=False)
    player_ha1: bytes = field(default=b"", repr=False)
    locked: bool = False
    language: str = ""

    def may(self, right: str) -> bool:
        return right in self.profile.rights

    def may_see(self, camera_uid: int) -> bool:
        return self.profile.cameras is None or camera_uid in self.profile.cameras


@dataclass(frozen=True, slots=True)
class Member:
    """A user as who administers people sees one.

    `seen_at`: last on the pages, None where that is not known; `tokens`: how many bearer tokens; `link_until`: until
    when a link is good by which the user sets a password, None where there is none.
    """

    user: User
    created_at: datetime
    email: str = ""
    seen_at: datetime | None = None
    tokens: int = 0
    link_until: datetime | None = None

    @property
    def has_password(self) -> bool:
        """Whether the user can sign in by a password."""
        return bool(self.user.password_hash)


@dataclass(frozen=True, slots=True)
class MailRights:
    """What the users of a profile get by mail.

    `alarms`, `lost`: uids of the cameras whose alarms and whose loss they are told of; None means all, empty none.
    """

    alarms: frozenset[int] | None = frozenset()
    lost: frozenset[int] | None = frozenset()
    contacts: bool = False
    purge: bool = False
    life: bool = False
    rules: bool = False

    @property
    def any(self) -> bool:
        """Whether there is anything at all that they get."""
        flags = (self.contacts, self.purge, self.life, self.rules)
        return self.alarms != frozenset() or self.lost != frozenset() or any(flags)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A user as mails see one. `cameras`: uids the user may see, None for all; `email`: "" for none."""

    name: str
    email: str
    language: str = ""
    profile: str = ""
    locked: bool = False
    cameras: frozenset[int] | None = None
    rights: MailRights = MailRights()

    def may_see(self, camera_uid: int) -> bool:
        return self.cameras is None or camera_uid in self.cameras

    def gets_alarms_of(self, camera_uid: int) -> bool:
        """Whether mails about alarms of this camera go to this user."""
        return self.may_see(camera_uid) and (self.rights.alarms is None or camera_uid in self.rights.alarms)

    def gets_contacts_of(self, camera_uid: int) -> bool:
        """Whether mails about alarms of this camera that a contact box raised go to this user."""
        return self.may_see(camera_uid) and self.rights.contacts

    def gets_rules_of(self, camera_uid: int) -> bool:
        """Whether mails about alarms of this camera that an exception rule raised go to this user."""
        return self.may_see(camera_uid) and self.rights.rules

    def gets_loss_of(self, camera_uid: int) -> bool:
        """Whether mails about this camera being lost and back go to this user."""
        return self.may_see(camera_uid) and (self.rights.lost is None or camera_uid in self.rights.lost)


RIGHTS = (
    "live",  # watch cameras live
    "replay",  # watch recordings
    "export",  # download footage
    "lines",  # search the external log
    "journal",  # read the journals
    "alarms",  # see alarms, say that one was seen, raise one
    "cards",  # see the last four digits of card numbers
    "exceptions",  # see what the rules found on tickets and judge it, read the reports
    "cameras",  # add, change, delete cameras
    "users",  # manage users and profiles
    "settings",  # change the server's settings
)
