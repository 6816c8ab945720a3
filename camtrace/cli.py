"""The `camtrace` command: what an administrator does from the console.

It works on the running server's database, and what it changes acts at once and is told in the journal. Without a server
it runs the private database itself for as long as the command lasts.
"""

from __future__ import annotations

import argparse
import os
import pwd
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet import defer, task

from camtrace import __version__, auth, clock, config, till_test
from camtrace.errors import CamTraceError, Invalid, NotFound, StartError
from camtrace.folders import Hold, become_owner, ensure_folder, is_held
from camtrace.intake import Ids
from camtrace.model import RIGHTS, JournalEntry, User
from camtrace.notes import CONSOLE, RIGHT_WORDS
from camtrace.pools import Pools
from camtrace.prisma import check as prisma
from camtrace.prisma.wire import DEFAULT_ENCODING, SIZE, encode, split
from camtrace.prisma.wire import ENCODINGS as PRISMA_ENCODINGS
from camtrace.store.database import Database
from camtrace.store.embedded import EmbeddedServer, has_cluster
from camtrace.store.journal import Journal
from camtrace.store.migrate import migrate
from camtrace.store.people import People
from camtrace.store.users import Users
from camtrace.vault import Vault

WAIT_SECONDS = 30


class Console:
    """What the commands work with: the people's stores, the gate, the journal. `account` is who types."""

    def __init__(self, database: Database, gate: auth.Gate, settings: config.Config, account: str) -> None:
        self.users = Users(database)
        self.people = People(database)
        self.gate = gate
        self.settings = settings
        self._database = database
        self._account = account
        self._ids = Ids()

    async def user(self, name: str) -> User:
        """The user `name`. Raises NotFound."""
        user = await self.users.by_name(name)
        if user is None:
            raise NotFound(f"there is no user {name!r}")
        return user

    async def note(self, text: str, **values: str) -> None:
        """Tell in the journal what was done; `text` is a key of `notes.TEXTS`."""
        told: dict[str, str | int | float] = {"user": CONSOLE, "account": self._account, **values}
        entry = JournalEntry(id=self._ids.next(), at=clock.now(), kind="audit", text=text, values=told)
        await self._database.transaction("note", lambda cursor: Journal.insert(cursor, [entry]))


async def user_create(console: Console, arguments: argparse.Namespace) -> None:
    """Make a user."""
    user = await console.gate.create_user(arguments.name, arguments.profile, arguments.password)
    await console.note("user_added", person=user.name, profile=user.profile.name)
    print(f"user {user.name} created with profile {user.profile.name}")


async def user_list(console: Console, arguments: argparse.Namespace) -> None:
    """Print every user."""
    for user in await console.users.all():
        print("\t".join([user.name, user.profile.name, *(["locked"] if user.locked else [])]))


async def user_password(console: Console, arguments: argparse.Namespace) -> None:
    """Give a user another password."""
    user = await console.user(arguments.name)
    await console.gate.change_password(user, arguments.password)
    await console.note("user_password_changed", person=user.name)
    print(f"the password of {user.name} is changed; open sessions have ended")


async def user_player(console: Console, arguments: argparse.Namespace) -> None:
    """Print a new player password."""
    user = await console.user(arguments.name)
    password = await console.gate.new_player_password(user)
    await console.note("user_player_password_made", person=user.name)
    print(f"the password of {user.name} in video players, shown this once:")
    print(password)


async def user_rename(console: Console, arguments: argparse.Namespace) -> None:
    """Give a user another name."""
    user = await console.user(arguments.name)
    auth.check_name(arguments.new)
    if arguments.new != user.name:
        await console.people.change(user.id, {"name": arguments.new})
        await console.note("user_renamed", former=user.name, person=arguments.new)
    print(f"user {user.name} is {arguments.new} from now on; the password stays, one for video players has to be new")


async def user_lock(console: Console, arguments: argparse.Namespace) -> None:
    """Lock or unlock a user."""
    user = await console.user(arguments.name)
    if arguments.lock != user.locked:
        await console.people.change(user.id, {"locked": arguments.lock})
        await console.note("user_locked" if arguments.lock else "user_unlocked", person=user.name)
    print(f"{user.name} is {'locked' if arguments.lock else 'unlocked'}")


async def user_remove(console: Console, arguments: argparse.Namespace) -> None:
    """Remove a user."""
    user = await console.user(arguments.name)
    await console.people.remove(user.id)
    await console.note("user_removed", person=user.name)
    print(f"user {user.name} is removed")


async def profile_list(console: Console, arguments: argparse.Namespace) -> None:
    """Print every profile: its name, its rights, the cameras it sees, how many users have it."""
    for profile, users in await console.people.profiles():
        rights = ",".join(right for right in RIGHTS if right in profile.rights)
        seen = "all cameras" if profile.cameras is None else f"{len(profile.cameras)} cameras"
        print("\t".join([profile.name, rights, seen, f"{users} users"]))


async def profile_allow(console: Console, arguments: argparse.Namespace) -> None:
    """Give a profile a right, or take it away."""
    profiles = {profile.name: profile for profile, _ in await console.people.profiles()}
    profile = profiles.get(arguments.profile)
    if profile is None:
        raise NotFound(f"there is no profile {arguments.profile!r}: {', '.join(profiles)}")
    changed = profile.rights | {arguments.right} if arguments.allow else profile.rights - {arguments.right}
    if changed != profile.rights:
        await console.people.change_profile(replace(profile, rights=changed))
        text = "profile_right_given" if arguments.allow else "profile_right_taken"
        await console.note(text, profile=profile.name, right=RIGHT_WORDS[arguments.right])
    print(f"{profile.name} may now: {', '.join(right for right in RIGHTS if right in changed) or 'nothing'}")


async def token_create(console: Console, arguments: argparse.Namespace) -> None:
    """Print a new bearer token, alone on the last line."""
    user = await console.user(arguments.user)
    token = await console.gate.new_token(user)
    await console.note("user_token_made", person=user.name)
    print(token)


async def link(console: Console, arguments: argparse.Namespace) -> None:
    """Print a one-time link that makes an administrator."""
    code = await console.gate.new_link()
    await console.note("setup_link_made")
    print(f"good once, for {auth.LINK_HOURS} hours:")
    print(f"{console.settings.web_address()}/setup?code={code}")


def prisma_send(arguments: argparse.Namespace) -> int:
    """Send every Prisma event that the manual describes, as a till would."""
    host, _, port = arguments.server.rpartition(":") if arguments.server.count(":") == 1 else (arguments.server, "", "")
    at = clock.now().astimezone()
    prefix, _, number = arguments.source.partition(":")
    events = prisma.samples(prefix, number, at.replace(tzinfo=None), arguments.receipt)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, int(port or 21845), type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as sender:
            for event in events:
                moment = clock.now().astimezone().replace(tzinfo=None)
                event = event._replace(day=moment.date(), hour=moment.time())
                sender.sendto(encode(event, arguments.encoding), address)
                print(prisma.told(event), flush=True)
                time.sleep(arguments.pause)
    except (OSError, ValueError) as error:
        print(f"camtrace: {arguments.server} cannot be reached: {error}", file=sys.stderr)
        return 1
    return 0


def prisma_check(arguments: argparse.Namespace) -> int:
    """Say what is wrong with Prisma packets of a file, of the input, or that arrive at a UDP port."""
    wrong = 0
    run = prisma.Run()
    try:
        for number, packet in enumerate(prisma_packets(arguments), start=1):
            wrong += not prisma_told(number, packet, arguments.encoding, run)
    except OSError as error:
        print(f"camtrace: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 1 if wrong else 0


def prisma_packets(arguments: argparse.Namespace) -> Iterator[bytes]:
    """The packets to check: a file may hold one after the other, or one on each line."""
    if arguments.port:
        with socket.socket(type=socket.SOCK_DGRAM) as receiver:
            receiver.bind(("", arguments.port))
            print(f"waiting for packets at UDP port {receiver.getsockname()[1]}; Ctrl-C ends", flush=True)
            for _ in range(arguments.count) if arguments.count else iter(int, 1):
                yield from split(receiver.recv(65536))
        return
    data = sys.stdin.buffer.read() if arguments.file == "-" else Path(arguments.file).read_bytes()
    if len(data) % SIZE == 0:
        yield from (data[place : place + SIZE] for place in range(0, len(data), SIZE))
    else:
        yield from (line.removesuffix(b"\r") for line in data.removesuffix(b"\n").split(b"\n"))


def prisma_told(number: int, packet: bytes, encoding: str | None, run: prisma.Run) -> bool:
    """Print what a packet says and what is wrong with it, behind those before it; whether nothing is."""
    faults = prisma.faults(packet, encoding) + run.faults(packet, encoding)
    print(f"packet {number}: {prisma.said(packet, encoding)}")
    for fault in faults:
        print(f"  - {fault}")
    sys.stdout.flush()
    return not faults


def read_password(path: str) -> str:
    """The first line of the file at `path` ("-": standard input). Raises Invalid."""
    try:
        text = sys.stdin.readline() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Invalid(f"the password file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"the password file {path} cannot be read: it is not UTF-8 text") from error
    password = text.splitlines()[0] if text else ""
    auth.check_password_strength(password)
    return password


def prisma_source(text: str) -> str:
    """A source such as KKM:12. Raises ArgumentTypeError."""
    prefix, _, number = text.partition(":")
    if not (prefix.isascii() and prefix.isalnum() and len(prefix) <= 3 and number.isdigit() and len(number) <= 6):
        raise argparse.ArgumentTypeError("a source is a prefix and a number such as KKM:12")
    return text.upper()


def parser() -> argparse.ArgumentParser:
    """What can be said after `camtrace`."""
    top = argparse.ArgumentParser(prog="camtrace", description="Administer a CamTrace server from the console.")
    files = " or ".join(map(str, config.INSTALLED))
    top.add_argument(
        "--config", type=Path, help=f"the server's configuration file; without it {files}, if there is one"
    )
    top.add_argument("--data", type=Path, help="the server's data directory, instead of the file's")
    # makes: whether the command may make the private database where there is none; alone: it wants no server
    top.set_defaults(makes=False, alone=False)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    user = commands.add_parser("user", help="users: create, list, rename, password, player, lock, unlock, remove")
    users = user.add_subparsers(required=True, metavar="ACTION")
    create = users.add_parser("create", help="make a user")
    create.add_argument("name")
    create.add_argument("--profile", required=True, help="administrator, operator, viewer, or one made in the shop")
    create.add_argument("--password-file", required=True, help='its first line is the password; "-" reads the input')
    create.set_defaults(run=user_create, makes=True)
    users.add_parser("list", help="print every user").set_defaults(run=user_list)
    rename = users.add_parser("rename", help="give a user another name; the journals keep the one before")
    rename.add_argument("name")
    rename.add_argument("new")
    rename.set_defaults(run=user_rename)
    password = users.add_parser("password", help="give a user another password")
    password.add_argument("name")
    password.add_argument("--password-file", required=True)
    password.set_defaults(run=user_password)
    player = users.add_parser("player", help="make a password for video players (RTSP Digest)")
    player.add_argument("name")
    player.set_defaults(run=user_player)
    for word, locked in (("lock", True), ("unlock", False)):
        lock = users.add_parser(word, help=f"{word} a user")
        lock.add_argument("name")
        lock.set_defaults(run=user_lock, lock=locked)

    remove = users.add_parser("remove", help="remove a user; what the journals tell stays")
    remove.add_argument("name")
    remove.set_defaults(run=user_remove)

    profile = commands.add_parser("profile", help="profiles, what their users may: list, allow, deny")
    profiles = profile.add_subparsers(required=True, metavar="ACTION")
    profiles.add_parser("list", help="print every profile").set_defaults(run=profile_list)
    for word, allow in (("allow", True), ("deny", False)):
        right = profiles.add_parser(word, help=f"{word} a right, at once for all who have the profile")
        right.add_argument("profile")
        right.add_argument("right", choices=RIGHTS, metavar="RIGHT", help=", ".join(RIGHTS))
        right.set_defaults(run=profile_allow, allow=allow)

    token = commands.add_parser("token", help="bearer tokens of programs")
    tokens = token.add_subparsers(required=True, metavar="ACTION")
    made = tokens.add_parser("create", help="print a new token")
    made.add_argument("user")
    made.set_defaults(run=token_create)

    commands.add_parser("link", help="print a one-time link that makes an administrator").set_defaults(
        run=link, makes=True
    )
    commands.add_parser("version", help="print the version").set_defaults(run=None)
    prisma_test = commands.add_parser("prisma-test", help="for who programs a till: send Prisma events, check packets")
    tests = prisma_test.add_subparsers(required=True, metavar="ACTION")
    send = tests.add_parser("send", help="send every event that the manual describes")
    send.add_argument("server", help="HOST or HOST:PORT (21845)")
    send.add_argument("--source", default="KKM:1", type=prisma_source, help="as whom: KKM:1, TRK:3 …")
    send.add_argument("--receipt", default=1, type=int, help="number of the first receipt")
    send.add_argument("--encoding", default=DEFAULT_ENCODING, choices=PRISMA_ENCODINGS)
    send.add_argument("--pause", default=0.2, type=float, help="seconds between two events")
    send.set_defaults(run=prisma_send, alone=True)
    checked = tests.add_parser("check", help="say in words what is wrong with packets")
    checked.add_argument("file", nargs="?", default="-", help='a file of packets; "-" (as without) reads the input')
    checked.add_argument("--port", type=int, default=0, help="take what arrives at this UDP port instead")
    checked.add_argument("--count", type=int, default=0, help="end after so many datagrams")
    checked.add_argument("--encoding", choices=PRISMA_ENCODINGS)
    checked.set_defaults(run=prisma_check, alone=True)
    till_test.add_to(commands)
    demo = commands.add_parser("demo", help="run the server with a drawn shop: two cameras and two tills")
    demo.add_argument("--directory", type=Path, default=Path("var"), help="where the demo keeps its data")
    demo.set_defaults(run="demo")
    return top


async def connected(
    reactor: Any, settings: config.Config, account: str, work: Callable[[Console], Awaitable[None]]
) -> None:
    """Run `work`, for who types as `account`, on the server's database, which is started for it when nobody runs it."""
    data = settings.data.directory
    if settings.database.dsn:
        await with_database(reactor, settings, settings.database.dsn, account, work)
        return
    embedded = EmbeddedServer(data, reactor, settings.database.user)
    hold = Hold(data)
    try:
        await start_private(reactor, data, embedded, hold)
        await with_database(reactor, settings, embedded.dsn, account, work)
    finally:
        # the last one out stops it: a server or another command may have come meanwhile, and use it
        if not is_held(data) and hold.take():
            await embedded.stop()
        hold.release()


async def start_private(reactor: Any, data: Path, embedded: EmbeddedServer, hold: Hold) -> None:
    """Start the private database, or find it running; commands do so one after the other. Raises StartError."""
    deadline = reactor.seconds() + WAIT_SECONDS
    while True:
        served = is_held(data)
        if (embedded.found_ready() if served else hold.take()) or reactor.seconds() > deadline:
            break
        await task.deferLater(reactor, 0.1)
    await embedded.start(lambda text: None)
    hold.take(shared=True)


async def with_database(
    reactor: Any, settings: config.Config, dsn: str, account: str, work: Callable[[Console], Awaitable[None]]
) -> None:
    """Run `work` on the database at `dsn`, brought to this program's schema."""
    database = Database(dsn, reactor, connections=1)
    pools = Pools(reactor, jobs=1)
    try:
        await database.start(WAIT_SECONDS)
        await migrate(database)
        vault = Vault.open(settings.data.directory / "secret.key")
        await work(Console(database, auth.Gate(Users(database), vault, pools), settings, account))
    finally:
        pools.stop()
        await database.stop()


def typing_account() -> str:
    """The system's account of who types the command: also behind sudo, which tells it."""
    try:
        return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's account without a name
        return str(os.getuid())


def refuse_strange_folder(arguments: argparse.Namespace, settings: config.Config) -> None:
    """A command has nothing to work on where no server was: it must not make one by mistake. Raises StartError.

    The first user and the set-up link may come before the server's first start, in a folder that was meant: it is
    there, or the command names it or its configuration.
    """
    data = settings.data.directory
    if settings.database.dsn or has_cluster(data):
        return
    if arguments.makes and (data.is_dir() or arguments.config or arguments.data):
        return
    source = f" ({settings.source})" if settings.source else ""
    raise StartError(
        f"there is no database in {data}{source}: start the server once, or say where its data is"
        " (--config FILE or --data DIR)"
    )


def settings_for(arguments: argparse.Namespace) -> config.Config | None:
    """The settings of the server to work on, whose account we are from here on; None if anything is wrong: it is
    told."""
    try:
        settings = config.load(arguments.config or config.installed(), arguments.data)
        if "password_file" in arguments:
            arguments.password = read_password(arguments.password_file)
        refuse_strange_folder(arguments, settings)
        arguments.account = typing_account()
        become_owner(ensure_folder(settings.data.directory))
    except CamTraceError as error:
        tell(error)
        return None
    return settings


async def perform(reactor: Any, arguments: argparse.Namespace, settings: config.Config) -> int:
    """Do what is said on the server's database; the exit status."""
    try:
        await connected(reactor, settings, arguments.account, lambda console: arguments.run(console, arguments))
    except CamTraceError as error:
        tell(error)
        return 1
    return 0


def tell(error: CamTraceError) -> None:
    """Say in one line what is wrong."""
    print(f"camtrace: {error}", file=sys.stderr)


def main(argv: list[str] | None = None) -> int:
    """Entry point of the command; returns the exit status."""
    arguments = parser().parse_args(argv)
    if arguments.run is None:
        print(f"CamTrace {__version__}")
        return 0
    if arguments.alone:
        return int(arguments.run(arguments))
    if arguments.run == "demo":
        from camtrace.demo import run  # pictures are drawn there: nothing else needs what it imports

        return int(run.main(arguments.directory))
    if arguments.run in till_test.ACTIONS:
        return till_test.run(arguments)
    settings = settings_for(arguments)
    if settings is None:
        return 1
    outcome: list[int] = []

    async def run_command(reactor: Any) -> None:
        outcome.append(await perform(reactor, arguments, settings))

    try:
        task.react(lambda reactor: defer.Deferred.fromCoroutine(run_command(reactor)))
    except SystemExit as ended:
        if ended.code:
            return 1
    return outcome[0] if outcome else 1


if __name__ == "__main__":
    sys.exit(main())
