"""The wiring, straight down: every object is made here, once, and given what it needs by its constructor."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from twisted.application.service import IService
from twisted.internet import defer, task
from twisted.logger import Logger

from camtrace import __version__, assets, clock, garbage, i18n
from camtrace.alarm.camera_events import CameraEvents
from camtrace.alarm.contact_boxes import ContactBoxes
from camtrace.alarm.motion import MotionAlarms
from camtrace.alarm.onvif_client import Camera as OnvifCamera
from camtrace.alarm.onvif_client import HttpPost
from camtrace.alarm.pictures import Pictures
from camtrace.alarm.protocol import ControlFactory
from camtrace.alarm.senders import Senders, addresses_of
from camtrace.alarm.service import Alarms, ControlChannel
from camtrace.auth import SESSION_DAYS, Gate
from camtrace.bus import Bus
from camtrace.cameras.directory import Directory
from camtrace.cameras.losses import LossKeeper
from camtrace.cameras.probe import Probe
from camtrace.cameras.service import Cameras
from camtrace.cameras.status import REASONS
from camtrace.cameras.sub_streams import SubStreams
from camtrace.complaints import Complaints
from camtrace.config import Config
from camtrace.descriptors import Descriptors, raise_limit
from camtrace.doors import Doors
from camtrace.errors import DatabaseUnavailable
from camtrace.events import AlarmEnded, AlarmTriggered, RuleMet, SettingChanged, SourceAppeared
from camtrace.folders import ensure_folder, hold_folder, remove_old_logs
from camtrace.ftp.listener import FtpListener
from camtrace.ftp.service import FtpReceiver
from camtrace.i18n import N_
from camtrace.intake import BATCH_FACTS, Ids, Intake
from camtrace.keeping.days import KeptDays
from camtrace.keeping.service import Keeping
from camtrace.mail.compose import Place
from camtrace.mail.life import Reporter
from camtrace.mail.office import Office
from camtrace.mail.queue import Queue
from camtrace.mail.service import Mails, authors
from camtrace.mail.smtp import Post
from camtrace.mail.stills import Stills
from camtrace.media.feeds import Feeds
from camtrace.media.live import Live
from camtrace.media.lookback import Lookback
from camtrace.media.motion_detection import MotionDetection
from camtrace.media.picture import decode_jpeg
from camtrace.media.recorder import Recorder
from camtrace.media.segments import SegmentFiles
from camtrace.metrics import Metrics
from camtrace.model import ALARMS, FOOTAGE, JOURNALS, LINES, Camera, ContactBox, SourceSettings
from camtrace.notes import Notes
from camtrace.peers import Peers
from camtrace.pools import Pools
from camtrace.pos.admission import Admission
from camtrace.pos.capture import Capture
from camtrace.pos.dialects import Dialects
from camtrace.pos.encodings import Encodings
from camtrace.pos.protocol import TillFactory
from camtrace.pos.service import Tills
from camtrace.prisma import admission as prisma_admission
from camtrace.prisma.protocol import EventPort
from camtrace.prisma.receipts import PROTOCOL as PRISMA
from camtrace.prisma.receipts import Receipts
from camtrace.prisma.registry import Registry
from camtrace.prisma.service import EventSources
from camtrace.recording import volumes
from camtrace.recording.footage import Footage
from camtrace.recording.service import Recording
from camtrace.rtsp.service import RtspService
from camtrace.spool import Spool
from camtrace.store.alarms import AlarmStore
from camtrace.store.calendars import CalendarStore
from camtrace.store.cameras import CameraStore
from camtrace.store.contacts import ContactStore
from camtrace.store.database import Database
from camtrace.store.dialects import DialectStore, SourceStore
from camtrace.store.disconnections import Disconnections
from camtrace.store.disturbances import Disturbances
from camtrace.store.embedded import EmbeddedServer, has_cluster
from camtrace.store.facts import FactsStore
from camtrace.store.history import History
from camtrace.store.journal import Journal
from camtrace.store.kept_days import KeptDayRows
from camtrace.store.lines import LineStore
from camtrace.store.mails import MailStore
from camtrace.store.migrate import migrate
from camtrace.store.old_rows import OldRows
from camtrace.store.people import People
from camtrace.store.reports import ReportStore
from camtrace.store.rules import RuleStore
from camtrace.store.searches import SavedSearches
from camtrace.store.segments import GapStore, SegmentStore, VolumeStore
from camtrace.store.settings import Settings
from camtrace.store.users import Users
from camtrace.tickets.exceptions import Exceptions
from camtrace.tickets.grouping import Grouping
from camtrace.tickets.raising import Raising
from camtrace.tickets.service import Screens
from camtrace.tickets.silence import Silences
from camtrace.tickets.sources import SourceBook
from camtrace.tickets.trial import Trials
from camtrace.tiers import Tier, Tiers
from camtrace.timetable import Timetable
from camtrace.vault import Vault
from camtrace.web.access import Access
from camtrace.web.api.alarm_pictures import AlarmPicturesApi
from camtrace.web.api.alarms import AlarmsApi
from camtrace.web.api.calendars import CalendarsApi
from camtrace.web.api.cameras import CamerasApi
from camtrace.web.api.capture import CaptureApi
from camtrace.web.api.contact_boxes import ContactBoxesApi
from camtrace.web.api.dialects import DialectsApi
from camtrace.web.api.disconnections import DisconnectionsApi
from camtrace.web.api.events import EventsApi
from camtrace.web.api.exceptions import ExceptionsApi
from camtrace.web.api.footage import FootageApi
from camtrace.web.api.health import HealthApi
from camtrace.web.api.journal import JournalApi
from camtrace.web.api.lines import LinesApi
from camtrace.web.api.mail import MailApi
from camtrace.web.api.motion import MotionApi
from camtrace.web.api.openapi import OpenApi
from camtrace.web.api.prisma import PrismaApi
from camtrace.web.api.profiles import ProfilesApi
from camtrace.web.api.reports import ReportsApi
from camtrace.web.api.rules import RulesApi
from camtrace.web.api.searches import SearchesApi
from camtrace.web.api.sources import SourcesApi
from camtrace.web.api.storage import StorageApi
from camtrace.web.api.users import UsersApi
from camtrace.web.api.volumes import VolumesApi
from camtrace.web.live import LiveSocket
from camtrace.web.pages import Pages
from camtrace.web.pages_account import AccountPages
from camtrace.web.pages_door import Door
from camtrace.web.pages_frame import Frame
from camtrace.web.pages_settings import SettingsPages
from camtrace.web.site import Website
from camtrace.web.static import Static
from camtrace.web.templating import Templates

log = Logger(namespace="camtrace")
SWEEP_SECONDS = 3600


def build(settings: Config, reactor: Any, foreground: bool = True, log_file: Path | None = None) -> IService:
    """The whole server, not yet started. Raises StartError when a folder or the key cannot be used.

    `log_file`: what twistd writes, of which it keeps every megabyte for ever.
    """
    data = ensure_folder(settings.data.directory)
    hold = hold_folder(data)
    volumes.check(settings.volume_folders(), fresh=not settings.database.dsn and not has_cluster(data))
    vault = Vault.open(data / "secret.key")
    metrics, bus, ids = Metrics(), Bus(), Ids()
    descriptors = Descriptors(raise_limit())
    pools = Pools(reactor, jobs=settings.workers.jobs)

    # the database and what becomes durable in it
    embedded = None if settings.database.dsn else EmbeddedServer(data, reactor, settings.database.user)
    database = Database(settings.database.dsn or (embedded.dsn if embedded else ""), reactor)
    users, journal, lines = Users(database), Journal(database), LineStore(database)
    people = People(database)
    camera_rows, segments, gaps = CameraStore(database), SegmentStore(database), GapStore(database)
    alarm_rows, calendar_rows, contact_rows = AlarmStore(database), CalendarStore(database), ContactStore(database)
    rule_rows = RuleStore(database)
    losses, disturbances = Disconnections(database), Disturbances(database)
    gate = Gate(users, vault, pools)
    bus.subscribe(SettingChanged, gate.setting_changed)
    spool_lane = pools.lane("spool")
    spool = Spool(data / "spool", spool_lane.run, damaged=lambda path: note("system", "spool_damaged", {"path": path}))
    facts = FactsStore(database, lines, metrics)
    intake = Intake(facts, spool, bus, ids, reactor, metrics=metrics)
    note = Notes(intake, ids)
    old_rows = OldRows(database)
    keeping = Keeping(
        old_rows,
        facts,
        note,
        lambda: intake.waiting >= BATCH_FACTS or spool.count > 0,
        reactor,
        ZoneInfo(settings.site.timezone),
        {LINES: settings.storage.line_days, JOURNALS: settings.storage.journal_days},
    )

    # who comes in
    door_complaints = Complaints("door", note)

    def turned_away(key: str, address: str) -> None:
        limit = descriptors.limit
        reason = f"{address} is turned away: nearly all of the {limit} descriptors are in use"
        door_complaints.tell(key, "descriptors", reason, address=address, limit=limit)

    till_factories: list[TillFactory] = []
    tills_wanted = settings.pos.connections * max(1, len(settings.listen.pos))
    most_tills = descriptors.share(tills_wanted)

    def are_scarce(key: str) -> bool:
        here = sum(len(factory.open) for factory in till_factories)
        return descriptors.are_scarce(0 if key == "pos" else most_tills - here)

    doors = Doors(reactor, are_scarce, turned_away)
    metrics.gauge("camtrace_descriptors_limit", lambda: [({}, descriptors.limit)])

    # cameras, what is kept of them, what is shown of them
    directory = Directory(camera_rows)
    timetable = Timetable(calendar_rows.all, ZoneInfo(settings.site.timezone))
    alarms = Alarms(intake, directory, timetable, alarm_rows, ids.next, metrics, reactor)
    files, live, sub_live = SegmentFiles(), Live(pools, metrics), Live(pools, metrics)
    recording = Recording(
        reactor,
        pools,
        bus,
        metrics,
        directory,
        segments,
        gaps,
        VolumeStore(database),
        files,
        lambda uid, shelf, stagger: Lookback(
            Recorder(uid, shelf, stagger=stagger, segment_us=settings.storage.segment_seconds * 1_000_000), shelf
        ),
        note,
        ids.next,
        settings.volume_folders(),
        timetable,
        alarms.is_recorded,
        lambda camera: exceptions.reach(camera),
        keep_free=int(settings.storage.keep_free_gb * 1e9),
        days=lambda: kept_days.for_footage(),
    )
    kept_days = KeptDays(
        KeptDayRows(database),
        recording,
        note,
        ZoneInfo(settings.site.timezone),
        {
            FOOTAGE: settings.storage.days,
            ALARMS: settings.storage.alarm_days,
            LINES: settings.storage.line_days,
            JOURNALS: settings.storage.journal_days,
        },
    )

    def alarm_triggered(fact: AlarmTriggered) -> None:
        if fact.alarm.ended_at is None:
            recording.alarm_changed(fact.alarm.camera_uid)
        elif fact.alarm.recorded_from is not None:
            recording.alarm_passed(fact.alarm.camera_uid)

    bus.subscribe(AlarmTriggered, alarm_triggered)
    bus.subscribe(AlarmEnded, lambda fact: recording.alarm_changed(fact.alarm.camera_uid))

    async def settings_changed(fact: SettingChanged) -> None:
        if fact.kind == "calendar":
            await timetable.load()
            recording.refresh()
        elif fact.kind == "camera" and fact.key.isdecimal():
            alarms.camera_changed(int(fact.key))
        elif fact.kind == "setting":
            await registry.setting_changed(fact.key)
            await kept_days.setting_changed(fact.key)
            socket.settings_changed()
        elif fact.kind == "contact_box":
            await boxes.changed()
        elif fact.kind == "rule":
            await exceptions.changed()
            recording.refresh()
        elif fact.kind == "dialect":
            await dialects.load()
        elif fact.kind == "source":
            await sources.load()
            dialects.changed()
            recording.refresh()
            socket.settings_changed()

    async def follow_settings(fact: SettingChanged) -> None:
        try:
            await settings_changed(fact)
        except DatabaseUnavailable:  # when it is back, everything is announced anew
            log.debug("the database is away: what was set is read later")

    bus.subscribe(SettingChanged, follow_settings)
    footage = Footage(recording.index, gaps, files, pools, decode_jpeg, alarm_rows.recorded_spans)

    def second_stream_stalled(uid: int) -> None:
        camera = directory.by_uid(uid)
        if camera is not None:
            note("camera", "motion_main_stream", {"number": camera.id, "name": camera.name}, uid)

    detection = MotionDetection(pools, metrics, second_stream_stalled)
    feeds = Feeds(reactor, pools, metrics, live, motion=detection.main)
    sub_feeds = Feeds(reactor, pools, metrics, sub_live, motion=detection.sub)
    sub_streams = SubStreams(directory, sub_feeds, live, sub_live, note, vault, reactor)

    def is_needed(camera: Camera) -> bool:
        return recording.wants(camera) or live.is_watched(camera.uid) or camera.motion.enabled

    translations = i18n.load(assets.web() / "locale")
    say = translations[settings.site.language].gettext
    motion_alarms = MotionAlarms(directory, detection, sub_streams, alarms.trigger)

    async def ask_contacts(box: ContactBox) -> Any:
        from camtrace.alarm import modbus  # where there is no box, no start waits for pymodbus to be imported

        return await modbus.connect(reactor, box)

    boxes = ContactBoxes(contact_rows, directory, ask_contacts, alarms.trigger, note, metrics, reactor, say=say)
    camera_events = CameraEvents(
        directory, partial(OnvifCamera, HttpPost(reactor)), alarms.trigger, vault, note, metrics, reactor, say=say
    )
    cameras = Cameras(
        directory,
        feeds,
        recording,
        intake,
        ids,
        note,
        vault,
        bus,
        reactor,
        sub_streams=sub_streams,
        is_needed=is_needed,
        forgetful=[live, sub_streams, detection],
        followers=[motion_alarms, camera_events],
    )
    probe = Probe(reactor, Feeds(reactor, pools, Metrics()))  # a test is neither shown live nor counted
    metrics.gauge("camtrace_cameras", cameras.figures)
    metrics.gauge("camtrace_motion_cameras", detection.figures)
    metrics.gauge("camtrace_motion_dropped_packets", detection.dropped)
    metrics.gauge("camtrace_sub_streams", sub_streams.figures)
    metrics.gauge(
        "camtrace_live_viewers",
        lambda: [({"stream": "main"}, live.viewers), ({"stream": "sub"}, sub_live.viewers)],
    )
    metrics.gauge("camtrace_database_up", lambda: [({}, database.is_up)])
    metrics.gauge("camtrace_volume_queued_bytes", recording.figures)
    metrics.gauge("camtrace_volume_free_bytes", recording.free)
    metrics.gauge("camtrace_recording_dropped_packets", recording.dropped)

    # tills
    grouping = Grouping(ids.next, timedelta(minutes=settings.pos.ticket_minutes))
    admission = Admission("any" if settings.pos.sources is None else settings.pos.sources)
    encodings = Encodings(dict(settings.pos.encodings))
    dialect_rows, source_rows, capture = DialectStore(database), SourceStore(database), Capture()
    sources = SourceBook(source_rows.all)
    dialects = Dialects(sources, dialect_rows, encodings)

    async def speech_changed() -> None:
        await sources.load()
        await dialects.load()

    def burst_found(source: str, at_once: bool) -> None:
        if at_once != (sources.of(source).burst_since is not None):
            note("system", "till_bursts" if at_once else "till_no_bursts", {"source": source})
            change = source_rows.change(source, {"burst_since": clock.now() if at_once else None})
            _unattended("what a till sends at once", change)

    tills = Tills(
        intake,
        directory,
        grouping,
        ids.next,
        metrics,
        admission,
        encodings,
        dialects=dialects,
        capture=capture,
        burst_found=burst_found,
    )
    screens = Screens(bus, silence=sources.silence)
    silences = Silences(
        bus,
        sources,
        source_rows.change,
        timetable,
        note,
        metrics,
        reactor,
        (settings.pos.silent_minutes, settings.prisma.silent_minutes),
    )
    exceptions = Exceptions(
        intake,
        bus,
        rule_rows,
        lines,
        alarm_rows,
        disturbances,
        cameras,
        timetable,
        sources.offset,
        ids.next,
        metrics,
        reactor,
    )
    trials = Trials(lines, alarm_rows, disturbances, timetable, directory, sources.offset)
    complaints = Complaints("till", note)
    for listener in settings.listen.pos:
        factory = TillFactory(
            tills,
            complaints,
            reactor,
            encoding=listener.encoding or settings.pos.encoding,
            admission=admission,
            max_connections=most_tills // len(settings.listen.pos),
            dialect=listener.dialect,
            dialects=dialects,
            capture=capture,
        )
        till_factories.append(factory)
        doors.add("pos", listener.endpoint, factory, factory.leave)

    # Prisma's event sources
    setting_rows = Settings(database)
    registry = Registry(setting_rows, note)
    receipts = Receipts(ids.next, timedelta(minutes=settings.prisma.receipt_minutes))
    event_sources = EventSources(
        intake,
        directory,
        registry,
        receipts,
        ids.next,
        metrics,
        Complaints("prisma", note),
        ZoneInfo(settings.site.timezone),
        admission=prisma_admission.Admission(settings.prisma.sources),
        encoding=settings.prisma.encoding,
        alive=silences.alive,
        appeared=lambda source: bus.publish(SourceAppeared(source)),
    )
    event_port = EventPort(reactor, event_sources, settings.listen.prisma)
    if settings.listen.prisma:
        doors.add_other("prisma", settings.listen.prisma, event_port.bind, event_port.leave)
    metrics.gauge("camtrace_prisma_lost_datagrams", lambda: [({}, event_port.lost())])

    def says_lines(source: str) -> bool:
        """Whether a source is a till that speaks lines, rather than Prisma."""
        return tills.speaks(source) or not event_sources.knows(source)

    def motion_at_a_till(fact: AlarmTriggered) -> None:
        camera = directory.by_uid(fact.alarm.camera_uid)
        if fact.begins and fact.trigger.cause == "motion" and camera is not None:
            event_sources.motion([each for each in camera.overlay_ids if not says_lines(each)], fact.trigger.at)
            tills.motion(filter(says_lines, camera.overlay_ids))

    bus.subscribe(AlarmTriggered, motion_at_a_till)

    def rule_at_a_till(fact: RuleMet) -> None:
        met = fact.exception
        if says_lines(met.source):
            tills.rule_met(met.source, met.rule, met.ticket, met.ticket_id, met.seller)
        else:
            event_sources.rule_met(met.source, met.rule, met.ticket, met.seller, met.at)

    bus.subscribe(RuleMet, rule_at_a_till)

    def till_name(source: str) -> str:
        """What people call a source: as it is set, else as it is registered among Prisma's; "" for no other name."""
        registered = registry.sources.get(source)
        return sources.of(source).label or (registered.name if registered is not None else "")

    raising = Raising(bus, rule_rows, directory, sources.offset, till_name, alarms.trigger, reactor)

    # the control channel, on which alarms are raised
    senders = Senders(directory, partial(addresses_of, reactor))
    channel = ControlChannel(
        alarms,
        directory,
        senders,
        Complaints("control", note),
        metrics,
        sender_too=settings.alarm.sender_too,
    )
    if settings.listen.control:
        control = ControlFactory(
            channel, reactor, peers=Peers(settings.alarm.allow), max_connections=settings.alarm.connections
        )
        doors.add("control", settings.listen.control, control, control.leave)

    # the pictures that cameras send by FTP
    pictures = Pictures()
    if settings.listen.ftp:
        receiver = FtpReceiver(senders, alarms.trigger, pictures.keep, Complaints("ftp", note), metrics)
        ftp = FtpListener(reactor, pools, settings.listen.ftp, settings.ftp, receiver)
        doors.add_other("ftp", settings.listen.ftp, ftp.bind, ftp.leave)
        metrics.gauge("camtrace_ftp_sessions", lambda: [({}, ftp.sessions)])

    # players
    rtsp = RtspService(
        reactor, footage, live, sub_streams, cameras, gate, metrics, note, anonymous=settings.rtsp.anonymous
    )
    bus.subscribe(SettingChanged, rtsp.setting_changed)
    if settings.listen.rtsp:
        doors.add("rtsp", settings.listen.rtsp, rtsp, rtsp.stopService)

    # browsers and programs
    access = Access(gate)
    bus.subscribe(SettingChanged, access.setting_changed)
    static = Static(assets.web() / "static")
    zone = ZoneInfo(settings.site.timezone)
    mail_rows, post = MailStore(database), Post(reactor)
    voices = authors(Place(settings.site.name, zone, settings.web_address()), translations, REASONS)

    stills = Stills(pictures, live, footage, directory, recording.wants)
    mails = Mails(
        bus,
        mail_rows,
        users,
        alarm_rows,
        setting_rows,
        cameras,
        timetable,
        Reporter(cameras, footage, lambda: recording.volumes, __version__),
        voices,
        settings.site.language,
        reactor,
        stills.picture,
    )
    mail_queue = Queue(mail_rows, post, lambda: mails.settings, vault, note, reactor, settings.site.name)
    office = Office(setting_rows, mail_rows, users, post, vault, note, voices, settings.site.language)
    templates = Templates(assets.web() / "templates", translations, static.url)
    known_password = bool(settings.listen.ftp) and settings.ftp.uses_default_password

    def named_sources() -> list[SourceSettings]:
        """What is set for sources; one without a label goes by the name under which Prisma's are registered."""
        named = {name: SourceSettings(name, known.name) for name, known in registry.sources.items() if known.name}
        for each in sources.all():
            label = each.label or (named[each.source].label if each.source in named else "")
            named[each.source] = replace(each, label=label)
        return list(named.values())

    frame = Frame(
        templates,
        settings.site,
        cameras,
        known_password,
        event_names=lambda language: registry.catalogue.names(language),
        sources=named_sources,
        ports=doors.port_numbers,
        kept_since=keeping.kept_since,
    )
    door = Door(frame, access, note)
    account = AccountPages(frame, access, note, lambda: next(iter(doors.port_numbers().get("rtsp", [])), 0))
    socket = LiveSocket(
        reactor,
        access,
        cameras,
        sources.offset,
        live,
        sub_streams,
        screens,
        bus,
        metrics,
        silences.since,
        frame.settings,
        kept_days.all_wanted,
    )
    events = EventsApi(reactor, access, cameras, sources.offset, bus, History(database, lines, journal, alarm_rows))

    levels = MotionApi(reactor, access, cameras, motion_alarms)
    captures = CaptureApi(reactor, access, capture)
    spoken = {listener.dialect for listener in settings.listen.pos}

    async def database_answers() -> tuple[bool, str]:
        well = await database.answers()
        return well, "answers" if well else "does not answer"

    async def doors_open() -> tuple[bool, str]:
        return doors.all_open(), "open" if doors.all_open() else "not all are open"

    async def known_sources() -> list[str]:
        return list(await lines.last_received())

    pages = Pages(frame, access, cameras, camera_rows, known_sources, lambda: timetable.names)

    def till_at_the_door(address: str) -> None:
        port = doors.port_numbers().get("pos", [8010])[0]
        note("system", "till_on_web_port", {"address": address, "port": port})
        tills.at_wrong_port(address)

    website = Website(
        reactor,
        pages=[door, pages, account, SettingsPages(frame, access, lambda: timetable.names), static],
        api=[
            HealthApi(reactor, access, {"database": database_answers, "listeners": doors_open}, metrics),
            CamerasApi(
                access,
                cameras,
                camera_rows,
                vault,
                probe,
                note,
                lambda: recording.volumes,
                timetable,
                alarms,
                camera_events,
            ),
            AlarmsApi(reactor, access, cameras, camera_rows, alarm_rows, alarms, frame.voices),
            AlarmPicturesApi(access, cameras, camera_rows, alarm_rows, pictures, footage, live),
            DisconnectionsApi(reactor, access, cameras, camera_rows, losses, frame.voices),
            CalendarsApi(access, calendar_rows, timetable, note),
            ContactBoxesApi(access, cameras, contact_rows, boxes, note),
            RulesApi(reactor, access, cameras, sources.offset, rule_rows, trials, exceptions.unseen, timetable, note),
            ExceptionsApi(
                reactor, access, cameras, sources.offset, till_name, camera_rows, rule_rows, note, frame.voices
            ),
            ReportsApi(access, ReportStore(database), settings.site.timezone, till_name, frame.voices),
            UsersApi(access, people, gate, note),
            ProfilesApi(access, cameras, people, note),
            MailApi(reactor, access, cameras, camera_rows, office, frame.voices),
            DialectsApi(access, dialect_rows, sources, note, speech_changed, spoken),
            SourcesApi(
                access, cameras, source_rows, sources, dialect_rows, tills, note, speech_changed, timetable, silences
            ),
            captures,
            levels,
            FootageApi(reactor, access, cameras, camera_rows, footage, live),
            PrismaApi(access, cameras, registry, event_sources, silences),
            LinesApi(
                reactor,
                access,
                cameras,
                sources.offset,
                named_sources,
                camera_rows,
                lines,
                frame.voices,
                pools,
                settings.site.name,
                lambda: keeping.kept_since(LINES),
            ),
            SearchesApi(access, SavedSearches(database)),
            JournalApi(reactor, access, cameras, camera_rows, journal, frame.voices),
            VolumesApi(access, lambda: recording.volumes),
            StorageApi(
                access,
                lambda: recording.volumes,
                old_rows,
                kept_days,
            ),
            events,
            socket,
            OpenApi(access, lambda: website.root.routes()),
        ],
        error_page=door.error_page,
        till_at_the_door=till_at_the_door,
    )
    if settings.listen.web:
        doors.add("web", settings.listen.web, website.site(), website.leave)

    # ── the tiers, from the ground up ──

    async def open_web() -> None:
        website.starting(N_("The database is being started."))
        doors.open("web")

    async def start_database() -> None:
        if embedded is not None:
            await embedded.start(_say, settings.database.wait_seconds)
            embedded.keep_running()
        await database.start(settings.database.wait_seconds, _say)
        await migrate(database, progress=lambda name: _say(f"database step {name}"))
        await database.listen("config", partial(_announce, bus))

    async def stop_database() -> None:
        await database.stop()
        if embedded is not None:
            await embedded.stop()

    async def start_intake() -> None:
        ids.start_after(await lines.last_id())
        await intake.start()
        ids.start_after(await lines.last_id())  # the spool may have held newer ones
        await registry.load()
        await kept_days.load()  # before the first recording is looked at for its age
        open_tickets, last_received = await lines.open_tickets(), await lines.last_received()
        grouping.resume(pair for pair in open_tickets if pair[0].protocol != PRISMA)
        receipts.resume(pair for pair in open_tickets if pair[0].protocol == PRISMA)
        tills.resume(last_received)
        event_sources.resume(last_received)
        for ticket, its_lines in await lines.last_tickets():
            screens.resume(ticket, its_lines)
        await timetable.load()
        await speech_changed()
        for listener in settings.listen.pos:
            for name in dialects.unknown([listener.dialect]):
                note("system", "till_dialect", {"endpoint": listener.endpoint, "dialect": name})
        await alarms.start()

    async def stop_intake() -> None:
        await alarms.stop()
        await intake.stop()
        await spool_lane.stop()

    async def start_recording() -> None:
        def progress(done: int, total: int) -> None:
            _say(f"recordings looked through: {done} of {total}")
            website.starting(N_("The recordings are looked through."), 100 * done // max(total, 1))

        await directory.load()
        await recording.start(progress)

    loss_keeper = LossKeeper(losses, reactor)

    async def start_cameras() -> None:
        await loss_keeper.start()
        await cameras.start()

    async def stop_cameras() -> None:
        await cameras.stop()
        await loss_keeper.stop()

    async def start_rules() -> None:
        await raising.start()
        await exceptions.start()
        recording.refresh()  # how far back an alarm reaches is known now

    async def stop_rules() -> None:
        await exceptions.stop()
        await raising.stop()

    async def start_mails() -> None:
        await mails.start(mail_queue)

    async def stop_mails() -> None:
        await mails.stop()
        await post.stop()

    async def start_sweeping() -> None:
        sweeping.start(SWEEP_SECONDS)

    async def stop_sweeping() -> None:
        if sweeping.running:
            sweeping.stop()

    async def listen_for_silence() -> None:
        await silences.start(await lines.last_received(said_itself=True))

    async def open_doors() -> None:
        rtsp.startService()
        doors.open("pos", "prisma", "rtsp", "control", "ftp")
        website.starting("")
        garbage.settle()
        note("system", "started", {"version": __version__})
        if most_tills < tills_wanted:
            few = {"wanted": tills_wanted, "tills": most_tills, "limit": descriptors.limit}
            log.warn("of {wanted} connections of tills {tills} can be had with {limit} descriptors", **few)
            note("system", "descriptors_few", few)
        for notice in settings.notices:
            log.warn("{notice}", notice=notice)
        if await gate.setup_wanted():
            code = await gate.new_link()
            _say(f"make the first login here, once: {settings.web_address()}/setup?code={code}")
        _say("CamTrace is ready")

    async def close_doors() -> None:
        socket.stop()
        events.stop()
        levels.stop()
        captures.stop()
        await doors.leave()
        note("system", "stopped", {})

    async def stop_pools() -> None:
        pools.stop()

    async def let_go() -> None:
        hold.release()
        descriptors.close()

    async def sweep() -> None:
        if embedded is not None:
            embedded.trim_log()
        if log_file is not None:
            remove_old_logs(log_file)
        await users.sweep_sessions(clock.now() - timedelta(days=SESSION_DAYS))

    sweeping = task.LoopingCall(_guarded(sweep))
    sweeping.clock = reactor
    return Tiers(
        [
            Tier("data folder", stop=let_go),
            Tier("threads", stop=stop_pools),
            Tier("the first page", open_web),
            Tier("database", start_database, stop_database),
            Tier("intake", start_intake, stop_intake, leaves=3.5),
            Tier("recording", start_recording, recording.stop, leaves=5),
            Tier("cameras", start_cameras, stop_cameras, leaves=7),
            Tier("motion", motion_alarms.start, motion_alarms.stop),
            Tier("contacts", boxes.start, boxes.stop),
            Tier("camera events", camera_events.start, camera_events.stop, leaves=4.5),
            Tier("rules", start_rules, stop_rules),
            Tier("silence", listen_for_silence, silences.stop),
            Tier("mails", start_mails, stop_mails, leaves=3.5),
            Tier("sessions", start_sweeping, stop_sweeping),
            Tier("old rows", keeping.start, keeping.stop),
            Tier("doors", open_doors, close_doors, leaves=7),
        ],
        doors,
        reactor,
        foreground,
    )


def _announce(bus: Bus, payload: str) -> None:
    """Publish what `notify config` said. After a reconnection it says nothing, and everything may have changed."""
    kind, _, key = payload.partition(" ")
    for changed in (
        [kind]
        if kind
        else [*("camera", "calendar", "contact_box", "rule", "user", "profile", "setting", "dialect", "source")]
    ):
        bus.publish(SettingChanged(changed, key))


def _unattended(what: str, work: Coroutine[Any, Any, None]) -> None:
    """Let `work` be done; that it failed is told in the log."""
    done = defer.Deferred.fromCoroutine(work)
    done.addErrback(lambda failure: log.warn("{what} was not kept: {why}", what=what, why=failure.value))


def _say(text: str) -> None:
    """Tell the console and the log."""
    log.info("{text}", text=text)


def _guarded(work: Callable[[], Any]) -> Callable[[], Any]:
    """`work` for a LoopingCall, which would stop for ever at its first exception."""

    async def run() -> None:
        try:
            await work()
        except DatabaseUnavailable:
            log.debug("the database is away: next time")

    return lambda: defer.Deferred.fromCoroutine(run())
