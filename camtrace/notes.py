"""The journals' sentences, and the way to write one: `note("camera", "camera_added", {...})`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from twisted.internet import defer
from twisted.logger import Logger

from camtrace import clock
from camtrace.errors import filled
from camtrace.events import Noted
from camtrace.i18n import N_, Translations
from camtrace.intake import Ids, Intake
from camtrace.model import JournalEntry

# message id → sentence; the braces are filled by the entry's values
TEXTS = {
    "started": N_("CamTrace {version} started."),
    "stopped": N_("CamTrace was stopped."),
    "spool_damaged": N_(
        "Records that waited for the database were damaged on the disk. All that could be read is kept; the rest is in"
        " {path}. Have the disk looked at."
    ),
    "descriptors_few": N_(
        "By the configuration {wanted} tills may be connected; with the {limit} files and connections that the system"
        " lets CamTrace have, {tills} can be. Raise LimitNOFILE of its service."
    ),
    "door_descriptors": N_(
        "{address} is not let in ({count} turned away so far): nearly all of the {limit} files and connections that the"
        " system lets CamTrace have are in use. Raise LimitNOFILE of its service."
    ),
    "fact_quarantined": N_("The database refused a record ({fact} {id}): {reason}. It is kept apart, as it was."),
    "password_changed": N_("{user} changed the login password."),
    "player_password_made": N_("{user} made a new player password."),
    "calendar_added": N_("{user} added the calendar {calendar}."),
    "calendar_changed": N_("{user} changed the calendar {calendar}."),
    "calendar_deleted": N_("{user} removed the calendar {calendar}."),
    "rule_added": N_("{user} added the rule {rule}."),
    "rule_changed": N_("{user} changed the rule {rule}."),
    "rule_deleted": N_("{user} removed the rule {rule}."),
    "exception_reviewed": N_("{user} judged an exception at {source} ({rule}): {verdict}."),
    "contact_box_added": N_("{user} added the contact box {box}."),
    "contact_box_changed": N_("{user} changed the contact box {box}."),
    "contact_box_deleted": N_("{user} removed the contact box {box}."),
    "contact_box_lost": N_("The contact box {box} at {host}, port {port}, {why}. Its contacts raise no alarms."),
    "contact_box_back": N_("The contact box {box} at {host}, port {port}, answers."),
    "camera_events_lost": N_("Camera {number}, {name}, {why}. What it sees itself raises no alarms."),
    "camera_events_back": N_("Camera {number}, {name}, tells of its events."),
    "control_ids": N_("The alarm message from {address} names cameras that do not exist: {ids}."),
    "control_stranger": N_("An alarm message came from {address}, where no camera is, and named none."),
    "control_ambiguous": N_(
        "An alarm message came from {address}, where cameras {numbers} are, and named none: set idlist in the camera."
    ),
    "control_text": N_("A message from {address} on the alarm port is none: {message}"),
    "control_long": N_("A message from {address} on the alarm port is too long ({count} so far)."),
    "control_body": N_("A request from {address} on the alarm port is too long ({count} so far)."),
    "control_refused": N_("{address} may not raise alarms: [alarm] allow does not list it."),
    "control_crowd": N_("{address} could not raise an alarm: too many connections are open on the alarm port."),
    "control_too_many": N_("{address} could not raise an alarm: it has too many connections open on the alarm port."),
    "control_others": N_(
        "On the alarm port there is trouble with more addresses than are told one by one ({count} so far),"
        " {address} the last."
    ),
    "camera_added": N_("{user} added camera {number}, {name}."),
    "camera_changed": N_("{user} changed camera {number}, {name}."),
    "camera_deleted": N_("{user} removed camera {number}, {name}. Its recordings stay until their time is over."),
    "camera_back": N_("Camera {number}, {name}, sends pictures: {codec}, {width} × {height}."),
    "camera_lost_bad_url": N_("Camera {number}, {name}: its address cannot be read."),
    "camera_lost_name": N_("Camera {number}, {name}: the network does not know the name {host}."),
    "camera_lost_refused": N_("Camera {number}, {name}: nothing listens at {host}, port {port}."),
    "camera_lost_timeout": N_("Camera {number}, {name}: {host}, port {port}, does not answer."),
    "camera_lost_unauthorized": N_("Camera {number}, {name}: {address} refuses the login (status {status})."),
    "camera_lost_not_found": N_("Camera {number}, {name}: {address} does not exist (status {status})."),
    "camera_lost_status": N_("Camera {number}, {name}: {address} answers with status {status}."),
    "camera_lost_not_video": N_("Camera {number}, {name}: {address} is no video ({detail})."),
    "camera_lost_single_picture": N_(
        "Camera {number}, {name}: {address} gives single pictures. Set the camera to motion mode."
    ),
    "camera_lost_codec": N_("Camera {number}, {name}: {address} sends {detail}, which cannot be recorded."),
    "camera_lost_declared_codec": N_(
        "Camera {number}, {name}: {address} sends {detail}, but another codec is declared."
    ),
    "camera_lost_ended": N_("Camera {number}, {name}: {host}, port {port}, stopped sending."),
    "camera_lost_broken": N_("Camera {number}, {name}: {address} sends what cannot be understood ({detail})."),
    "camera_lost_internal": N_("Camera {number}, {name}: reading {address} failed inside CamTrace ({detail})."),
    "camera_audio_ignored": N_("Camera {number}, {name}: its sound ({codec}) cannot be recorded and is left out."),
    "camera_sink_failed": N_("Camera {number}, {name}: {part} failed and gets no more pictures ({error})."),
    "sub_unreachable": N_(
        "Camera {number}, {name}: its second stream, {address}, does not answer. Its main stream is shown instead."
    ),
    "sub_unauthorized": N_(
        "Camera {number}, {name}: its second stream, {address}, refuses the login (status {status})."
        " Its main stream is shown instead."
    ),
    "sub_status": N_(
        "Camera {number}, {name}: its second stream, {address}, answers with status {status}."
        " Its main stream is shown instead."
    ),
    "sub_ended": N_(
        "Camera {number}, {name}: its second stream, {address}, stopped sending. Its main stream is shown instead."
    ),
    "sub_unusable": N_(
        "Camera {number}, {name}: its second stream, {address}, cannot be shown ({detail})."
        " Its main stream is shown instead."
    ),
    "motion_main_stream": N_(
        "Camera {number}, {name}: its second stream has come to a halt. Motion is looked for in its main stream."
    ),
    "rtsp_not_offered": N_("Camera {number}, {name}: it cannot be played over RTSP ({reason})."),
    "volume_absent": N_("Nothing is recorded on {volume}: {reason}."),
    "volume_stuck": N_("Recording on {volume} stopped: {reason}."),
    "volume_resumed": N_("Recording on {volume} goes on."),
    "volume_back": N_("The disk {volume} is back."),
    "footage_made_room": N_(
        "Recordings up to {until} were erased on {volume} to make room: {files} files, {megabytes} MB."
    ),
    "footage_expired": N_(
        "Recordings up to {until} were erased on {volume}, their days are over: {files} files, {megabytes} MB."
    ),
    "lines_will_go": N_(
        "From {day} on, tickets that are older than {days} days will be erased every night. Exceptions that were found"
        " to be real, or are being checked, stay with theirs. The page Storage says how long tickets are kept."
    ),
    "lines_gone": N_(
        "Tickets from before {day} were erased, their days are over: {tickets} tickets, {lines} lines,"
        " {exceptions} exceptions."
    ),
    "journals_will_go": N_(
        "From {day} on, journals that are older than {days} days will be erased every night, with alarms and times of"
        " lost cameras. The page Storage says how long they are kept."
    ),
    "journals_gone": N_(
        "Journals from before {day} were erased, their days are over: {entries} entries, {alarms} alarms,"
        " {losses} times of lost cameras."
    ),
    "kept_days_set": N_("{user} set how long it is kept. {what}: {days}, before: {before}."),
    "kept_days_fewer": N_(
        "{user} set how long it is kept. {what}: {days}, before: {before}. What is older is erased from {day} on."
    ),
    "footage_missing": N_("The file of a recording is missing: {path}."),
    "till_fields": N_("The till at {address} sends lines that are no till lines ({count} so far), such as: {line}"),
    "till_no_name": N_("The till at {address} sends lines that name no till ({count} so far), such as: {line}"),
    "till_no_type": N_("The till at {address} sends lines of an unknown type ({count} so far), such as: {line}"),
    "till_long": N_("The till at {address} sent a line of more than {limit} kB and was cut off ({count} so far)."),
    "till_stranger": N_("A till at {address} is not let in: [pos] sources does not list this address."),
    "till_stranger_name": N_(
        "The till at {address} sends lines in a name that [pos] sources does not list ({count} so far), such as: {line}"
    ),
    "till_names": N_(
        "The till at {address} sends more names of tills than can be taken; lines in further ones are left out"
        " ({count} so far), such as: {line}"
    ),
    "till_crowd": N_("A till at {address} is not let in: {open} connections of tills are open, no more are allowed."),
    "till_gave_way": N_(
        "A connection of the till at {address} that had said no line was closed for another till's ({count} so far):"
        " {open} are open, no more are allowed."
    ),
    "till_too_many": N_("The till at {address} is not let in again: it has {open} connections open."),
    "prisma_short": N_("{address} sends Prisma packets that are too short ({count} so far), such as: {sample}"),
    "prisma_prefix": N_(
        "{address} sends Prisma packets that name no source such as KKM or TRK ({count} so far), such as: {sample}"
    ),
    "prisma_number": N_("{address} sends Prisma packets without a till's number ({count} so far), such as: {sample}"),
    "prisma_mode": N_("{address} sends Prisma packets without an event's number ({count} so far), such as: {sample}"),
    "prisma_stranger": N_(
        "Events of {source} at {address} are not taken ({count} so far): [prisma] sources does not list it. It can be"
        " registered on the page Prisma."
    ),
    "prisma_flood": N_("{address} sends more Prisma events than can be taken; {count} were left out so far."),
    "prisma_crowd": N_(
        "Prisma events of {address} are left out ({count} so far): too many wait, or too many sources have spoken."
    ),
    "prisma_lost": N_(
        "The system dropped {lost} Prisma datagrams at {address} since the start, before they could be read: let it"
        " keep more of them, see net.core.rmem_max."
    ),
    "prisma_clock": N_(
        "The clock of {source} at {address} says {told} ({count} events so far). Lines are found by the time they"
        " arrive; set the till's clock."
    ),
    "prisma_event_changed": N_("{user} changed what the Prisma event {code} means."),
    "prisma_source_registered": N_("{user} registered the Prisma source {source}."),
    "prisma_source_forgotten": N_("{user} removed the Prisma source {source} from those registered."),
    "prisma_others": N_(
        "There is trouble with Prisma packets of more addresses than are told one by one ({count} so far),"
        " {address} the last. Whoever forges addresses is kept out by [prisma] sources."
    ),
    "ftp_refused": N_("A camera at {address} is not let in by FTP: [ftp] allow does not list this address."),
    "ftp_crowd": N_("A camera at {address} is not let in by FTP: {detail} connections are open, no more are allowed."),
    "ftp_too_many": N_("The camera at {address} is not let in again by FTP: it has {detail} connections open."),
    "ftp_password": N_(
        "The camera at {address} gives a wrong user or password by FTP ({count} so far): set those of [ftp] in it."
    ),
    "ftp_guessing": N_(
        "Logins by FTP from {address} are refused for a minute: too many wrong passwords came from there."
    ),
    "ftp_bounce": N_("{address} asked by FTP for a connection to another machine, {detail}: refused ({count} so far)."),
    "ftp_no_data": N_(
        "The camera at {address} sends no picture by FTP: its data connection does not come about ({count} so far)."
        " Set its passive mode the other way round, or see [ftp] passive_ports."
    ),
    "ftp_long": N_("The file {detail}, sent by FTP from {address}, is too long and was cut off ({count} so far)."),
    "ftp_command": N_("{address} is connected to the FTP port and does not speak FTP ({count} so far)."),
    "ftp_descriptors": N_("FTP connections cannot be accepted for a moment ({detail})."),
    "ftp_stranger": N_(
        "An alarm picture came by FTP from {address}, where there is no camera ({count} so far): {name}."
        " Set this address in a camera."
    ),
    "ftp_unnamed": N_(
        "An alarm picture came by FTP from {address}, which cameras {numbers} share ({count} so far). Its name, {name},"
        " does not say which of them sent it: in each, set the base file name to image and its channel or its HTTP"
        " port, such as image2 or image81."
    ),
    "ftp_ambiguous": N_(
        "An alarm picture came by FTP from {address}, which cameras {numbers} share ({count} so far). Its name, {name},"
        " fits several of them: set a channel or an HTTP port of its own for each."
    ),
    "user_added": N_("{user} added the user {person} with the profile {profile}."),
    "user_renamed": N_("{user} called the user {former} {person}."),
    "user_player_password_made": N_("{user} made a new player password of {person}."),
    "user_token_made": N_("{user} made a token by which programs act as {person}."),
    "setup_link_made": N_("{user} made a link by which somebody becomes an administrator."),
    "user_profile_changed": N_("{user} gave {person} the profile {profile} instead of {before}."),
    "user_language_changed": N_("{user} changed the language of {person}."),
    "user_password_changed": N_("{user} gave {person} another password."),
    "user_link_made": N_("{user} made a link by which {person} sets a password."),
    "user_password_set": N_("{user} set a password by a link."),
    "user_locked": N_("{user} locked {person}."),
    "user_unlocked": N_("{user} unlocked {person}."),
    "user_removed": N_("{user} removed the user {person}."),
    "user_tokens_ended": N_("{user} took the tokens of {person} back."),
    "profile_added": N_("{user} added the profile {profile}, as a copy of {origin}."),
    "profile_renamed": N_("{user} called the profile {before} {profile}."),
    "profile_right_given": N_("{user} gave the profile {profile} a right: {right}."),
    "profile_right_taken": N_("{user} took a right from the profile {profile}: {right}."),
    "profile_cameras_changed": N_("{user} changed which cameras the profile {profile} sees."),
    "profile_removed": N_("{user} removed the profile {profile}."),
    "ftp_others": N_(
        "By FTP there is trouble with more addresses than are told one by one ({count} so far), {address} the last."
    ),
    "mail_settings_changed": N_("{user} changed how mails are sent."),
    "mail_address_changed": N_("{user} changed the mail address of {person}."),
    "mail_rights_changed": N_("{user} changed what the profile {profile} gets by mail."),
    "mail_trouble_name": N_("No mail leaves: the network does not know the mail server's name, {host}."),
    "mail_trouble_refused": N_("No mail leaves: nothing listens at {host}, port {port}."),
    "mail_trouble_timeout": N_("No mail leaves: the mail server {host}, port {port}, does not answer."),
    "mail_trouble_unreachable": N_("No mail leaves: no way leads to the mail server {host}, port {port}."),
    "mail_trouble_greeting": N_(
        "No mail leaves: what answers at {host}, port {port}, is no mail server at work. {said}"
    ),
    "mail_trouble_ended": N_("No mail leaves: the mail server {host}, port {port}, hung up."),
    "mail_trouble_no_starttls": N_(
        "No mail leaves: the mail server {host}, port {port}, offers no STARTTLS. Choose TLS with port 465,"
        " or no encryption."
    ),
    "mail_trouble_tls": N_(
        "No mail leaves: encryption with {host}, port {port}, failed. TLS uses port 465 as a rule, STARTTLS port 587."
    ),
    "mail_trouble_certificate": N_(
        "No mail leaves: the certificate of {host} is not signed by anyone this server trusts, or is for another name."
    ),
    "mail_trouble_no_auth": N_(
        "No mail leaves: the mail server {host}, port {port}, takes no login here. It may want encryption first."
    ),
    "mail_trouble_auth": N_("No mail leaves: the mail server {host} refuses the user name or the password. {said}"),
    "mail_trouble_sealed": N_("No mail leaves: the password of the mail server cannot be opened. Type it again."),
    "mail_trouble_busy": N_("No mail leaves: the mail server {host} takes none at the moment. {said}"),
    "mail_trouble_sender": N_("No mail leaves: the mail server {host} refuses the address of the sender. {said}"),
    "mail_trouble_recipient": N_("No mail leaves: the mail server {host} refuses the recipient. {said}"),
    "mail_trouble_message": N_("No mail leaves: the mail server {host} refuses the mail. {said}"),
    "mail_works_again": N_("Mails leave again by way of {host}."),
    "mail_refused_recipient": N_("The mail server refuses mails to {recipient}: {said}. This one is lost: {subject}"),
    "mail_refused_message": N_("The mail server refused a mail to {recipient}: {said}. It is lost: {subject}"),
    "mail_given_up": N_("A mail to {recipient} could not be sent for {days} days and is given up: {subject} {said}"),
    "mail_doubtful": N_(
        "Twice the server was stopped while a mail to {recipient} went out. It is not sent again: {subject}"
    ),
    "till_others": N_(
        "On the tills' port there is trouble with more addresses than are told one by one ({count} so far),"
        " {address} the last."
    ),
    "till_utf16": N_("The till at {address} sends UTF-16 letters ({count} so far): set it to UTF-8."),
    "till_json": N_("The till at {address} sends lines that are no JSON objects ({count} so far), such as: {line}"),
    "till_xml": N_("The till at {address} sends lines that are no XML elements ({count} so far), such as: {line}"),
    "till_bursts": N_(
        "The till {source} sends its tickets all at once, at their end: their lines cannot be found in the video."
        " Let it send each line when it is entered."
    ),
    "till_no_bursts": N_("The till {source} sends its tickets line by line now."),
    "till_silent": N_("The till {source} has been silent for {minutes} min though it should speak."),
    "till_speaks": N_("The till {source} speaks again. It was silent for {hours} h {minutes} min."),
    "till_closed": N_(
        "The till {source} need not speak any more at this hour. It was silent for {hours} h {minutes} min."
    ),
    "till_dialect": N_("Tills at {endpoint} are to speak {dialect}, which is no known dialect: camtrace is used."),
    "dialect_added": N_("{user} added the dialect {dialect}."),
    "dialect_changed": N_("{user} changed the dialect {dialect}."),
    "dialect_deleted": N_("{user} removed the dialect {dialect}."),
    "source_changed": N_("{user} changed the settings of the till {source}."),
    "till_on_web_port": N_("The till at {address} uses the web port: set port {port} in the till."),
}
DAYS_SET = {"kept_days_set", "kept_days_fewer"}  # whose counts are of days, 0 for ever
ERASED = {"lines_will_go", "lines_gone", "journals_will_go", "journals_gone"}  # what is told of days, and counted


RIGHT_WORDS = {
    "live": N_("Watch cameras live"),
    "replay": N_("Watch recordings"),
    "export": N_("Download recordings"),
    "lines": N_("Look for tickets and their lines"),
    "cards": N_("See the last four digits of cards"),
    "exceptions": N_("See and judge exceptions, read reports"),
    "alarms": N_("See alarms, raise them and say that they were seen"),
    "journal": N_("Read the journals"),
    "cameras": N_("Add, change and remove cameras"),
    "settings": N_("Change settings of the server, of tills and of rules"),
    "users": N_("Manage users and profiles, and who gets mails"),
}
"""What each right (model.RIGHTS) allows."""

FOR_EVER = N_("without limit")

CONSOLE = N_("Somebody at the console ({account})")
"""Who did what an entry tells, where it was no user: as the value `user` of an entry, beside `account`."""


class Notes:
    """Writes journals through the intake, so that an entry is durable before anybody reads it."""

    log = Logger()

    def __init__(self, intake: Intake, ids: Ids) -> None:
        self._intake = intake
        self._ids = ids

    def __call__(
        self, kind: str, text: str, values: Mapping[str, Any], camera_uid: int | None = None, user: str = ""
    ) -> defer.Deferred[None]:
        """Write an entry of `kind` (model.JOURNAL_KINDS); `text` is a key of TEXTS. Fires when it is durable."""
        entry = JournalEntry(
            id=self._ids.next(),
            at=clock.now(),
            kind=kind,
            text=text,
            values={name: value if isinstance(value, int | float) else str(value) for name, value in values.items()},
            camera_uid=camera_uid,
            user=user,
        )
        recorded = self._intake.record(Noted(entry.id, entry))
        return recorded.addErrback(lambda failure: self.log.warn("not in the journal: {why}", why=failure.value))


def words(entry: JournalEntry, spoken: Translations) -> str:
    """The entry as a sentence in the language of `spoken`."""
    sentence = spoken.gettext(TEXTS.get(entry.text, entry.text))
    values = {name: spoken.gettext(value) if isinstance(value, str) else value for name, value in entry.values.items()}
    if entry.text in ERASED | DAYS_SET and "day" in values:
        values["day"] = spoken.date(datetime.combine(date.fromisoformat(str(values["day"])), time(12), UTC), UTC)
    if entry.text in ERASED | DAYS_SET:
        count = _days if entry.text in DAYS_SET else _figure
        values |= {name: count(value, spoken) for name, value in values.items() if isinstance(value, int)}
    for name in ("why", "user"):  # a reason, or who it was, in words of their own, which the other values fill
        if name in values:
            values[name] = filled(str(values[name]), values)
    try:
        return sentence.format_map({"user": entry.user, **values})
    except (KeyError, ValueError, IndexError):  # written by another version: better raw than not at all
        return f"{sentence} {entry.values}"


def _figure(value: int, spoken: Translations) -> str:
    return spoken.figure(value)


def _days(value: int, spoken: Translations) -> str:
    if not value:
        return spoken.gettext(FOR_EVER)
    return spoken.ngettext("{count} day", "{count} days", value).format(count=spoken.figure(value))
