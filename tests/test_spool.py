"""The spool: facts on disk, in order, whatever byte the process was killed at."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, ensureDeferred, succeed

from camtrace import factcode
from camtrace.events import CameraStateChanged, LineMasked, LineReceived, Noted, TicketTied
from camtrace.model import CameraState, JournalEntry, Line, Status, Ticket
from camtrace.spool import Spool, SpoolFiles

NOON = datetime(2026, 3, 4, 12, 0, 0, 5, UTC)


def noted(number: int, text: str = "started") -> Noted:
    return Noted(
        number, JournalEntry(id=number, at=NOON, kind="system", text=text, values={"a": 1, "b": "é", "c": 0.5})
    )


def line(number: int) -> LineReceived:
    said = Line(
        id=number,
        received_at=NOON,
        protocol="pos",
        source="é",
        amount=Decimal("1.50"),
        raw=bytes(range(256)),
        cameras=(1, 2),
    )
    return LineReceived(number, said, Ticket(id=1, protocol="pos", source="é", opened_at=NOON))


def drained(files: SpoolFiles, limit: int = 7) -> list[int]:
    ids: list[int] = []
    while True:
        facts, count = files.first(limit)
        if not count:
            return ids
        ids += [fact.id for fact in facts]
        files.drop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.mark.parametrize(
    "fact",
    [
        noted(1),
        line(2),
        LineMasked(5, line(2).line),
        TicketTied(6, replace(line(2).ticket, linked=7)),
        CameraStateChanged(3, CameraState(camera_uid=4, status=Status.ERROR, reason="refused", since=NOON)),
    ],
)
def test_every_kind_of_fact_survives(fact: object) -> None:
    assert factcode.decode(factcode.encode(fact)) == fact


def test_what_another_version_wrote() -> None:
    """An unknown field is left out, a missing one takes its default; an unknown kind is an error."""
    content = factcode.encode(noted(1)).replace(b'"user":""', b'"later":[1]')
    assert factcode.decode(content) == noted(1)
    with pytest.raises(KeyError):
        factcode.decode(b'{"kind": "Unheard", "fact": {}}')


def test_in_order_and_gone_when_drained(folder: Path) -> None:
    files = SpoolFiles(folder, file_bytes=500)
    assert files.open() == 0
    for first in range(1, 40, 3):
        files.append([noted(first), line(first + 1), noted(first + 2)])
    assert len(list(folder.iterdir())) > 5  # bounded files
    assert drained(files) == list(range(1, 40))
    assert list(folder.iterdir()) == []


def test_appended_while_it_is_drained(folder: Path) -> None:
    """What is read is not what is written to: order holds, nothing is dropped unread."""
    files = SpoolFiles(folder)
    files.open()
    ids: list[int] = []
    files.append([noted(1), noted(2)])
    for number in range(3, 30):
        ids += [fact.id for fact in files.first(2)[0]]
        files.append([noted(number)])
        files.drop()
    assert ids + drained(files) == list(range(1, 30))


def test_what_was_not_dropped_is_given_again(folder: Path) -> None:
    files = SpoolFiles(folder)
    files.open()
    files.append([noted(1), noted(2), noted(3)])
    assert files.first(2) == files.first(2)
    files.drop()
    assert [fact.id for fact in files.first(2)[0]] == [3]


def test_another_process_goes_on(folder: Path) -> None:
    """It gives all of a file again of which a part was drained, since inserting twice is harmless and losing is not."""
    files = SpoolFiles(folder)
    files.open()
    files.append([noted(1), noted(2)])
    files.first(1)
    files.drop()
    files.close()
    again = SpoolFiles(folder)
    assert again.open() == 2
    again.append([noted(3)])
    assert drained(again) == [1, 2, 3]


def test_cut_at_every_byte(folder: Path) -> None:
    """A file that ends in the middle of a frame holds the facts before it, and is deleted like any other."""
    files = SpoolFiles(folder)
    files.open()
    files.append([noted(1), noted(2)])
    files.close()
    (path,) = folder.iterdir()
    content = path.read_bytes()
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        after = SpoolFiles(folder)
        count = after.open()
        assert count == (2 if cut == len(content) else 1 if cut >= len(content) // 2 else 0)
        assert drained(after) == [1, 2][:count]
        assert list(folder.iterdir()) == []


def test_zeros_left_by_a_power_cut(folder: Path) -> None:
    files = SpoolFiles(folder)
    files.open()
    files.append([noted(1)])
    files.close()
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes() + bytes(4096))
    assert drained(SpoolFilesOpen(folder)) == [1]
    assert list(folder.iterdir()) == []


def SpoolFilesOpen(folder: Path) -> SpoolFiles:
    files = SpoolFiles(folder)
    files.open()
    return files


def test_a_damaged_file_is_kept(folder: Path) -> None:
    """A bit that flipped in the middle hides one fact: someone may still want to look at it."""
    files = SpoolFilesOpen(folder)
    files.append([noted(1), noted(2), noted(3)])
    files.close()
    (path,) = folder.iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert drained(SpoolFilesOpen(folder)) == [1, 3]
    assert [kept.suffix for kept in folder.iterdir()] == [".damaged"]


def test_damage_is_told(folder: Path) -> None:
    """Once all that can be read is given: with the file that is kept."""

    def run(work: Callable[..., object], *args: object) -> Deferred[object]:
        return succeed(work(*args))

    told: list[str] = []
    spool = Spool(folder, run, damaged=told.append)
    done = ensureDeferred(spool.open())
    ensureDeferred(spool.append([noted(1), noted(2)]))
    ensureDeferred(spool.close())
    (path,) = folder.iterdir()
    content = path.read_bytes()
    path.write_bytes(content.replace(b"started", b"storted", 1))
    again = Spool(folder, run, damaged=told.append)
    for step in (again.open(), again.first(10), again.first(10)):
        done = ensureDeferred(step)
    assert (told, again.count, [fact.id for fact in done.result]) == ([], 1, [2])
    ensureDeferred(again.drop())
    assert (told, again.count) == ([str(path.with_suffix(".damaged"))], 0)


def test_a_fact_of_a_newer_version_does_not_stop_the_others(folder: Path) -> None:
    files = SpoolFilesOpen(folder)
    strange = type("Unheard", (JournalEntry,), {})(id=2, at=NOON, kind="system", text="")
    files.append([noted(1), strange, noted(3)])
    assert drained(files) == [1, 3]
    assert [kept.suffix for kept in folder.iterdir()] == [".damaged"]


def test_nothing_counts_of_a_write_that_failed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: the batch is refused as a whole, what was there stays, the next one finds its place."""
    files = SpoolFilesOpen(folder)
    files.append([noted(1)])
    with monkeypatch.context() as full:
        full.setattr("os.fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space"):
            files.append([noted(2)])
    files.append([noted(3)])
    assert drained(files) == [1, 3]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(st.lists(st.one_of(st.integers(1, 5), st.sampled_from(["drain", "restart"])), max_size=25))
def test_any_sequence(tmp_path_factory: pytest.TempPathFactory, steps: list[int | str]) -> None:
    """Whatever is appended, drained and restarted in whatever order: all comes out, in order, repeats aside."""
    folder = tmp_path_factory.mktemp("spool")
    files = SpoolFiles(folder, file_bytes=600)
    files.open()
    given_ids: list[int] = []
    last = 0
    for step in steps:
        if step == "restart":
            files.close()
            files = SpoolFiles(folder, file_bytes=600)
            files.open()
        elif step == "drain":
            given_ids += [fact.id for fact in files.first(3)[0]]
            files.drop()
        else:
            files.append([noted(last + number) for number in range(1, int(step) + 1)])
            last += int(step)
    given_ids += drained(files)
    assert sorted(set(given_ids)) == list(range(1, last + 1))
    assert list(dict.fromkeys(given_ids)) == list(range(1, last + 1))
    assert list(folder.iterdir()) == []


CHILD = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from camtrace.events import Noted
from camtrace.model import JournalEntry
from camtrace.spool import Spool, SpoolFiles

files = SpoolFiles(Path(sys.argv[1]), file_bytes=3000)
files.open()
number = int(sys.argv[2])
while True:
    ids = range(number + 1, number + 1 + number % 7 + 1)
    files.append([Noted(n, JournalEntry(id=n, at=datetime.now(UTC), kind="system", text="x" * (n % 50))) for n in ids])
    number = ids[-1]
    print(number, flush=True)
"""


def test_counted_while_both_are_under_way(folder: Path) -> None:
    """Appended while facts are dropped: the lane answers one after the other, and every fact is counted."""
    lane: list[tuple[Deferred[object], Callable[[], object]]] = []

    def run(work: Callable[..., object], *args: object) -> Deferred[object]:
        lane.append((Deferred(), lambda: work(*args)))
        return lane[-1][0]

    def turn() -> None:
        answer, work = lane.pop(0)
        answer.callback(work())

    spool = Spool(folder, run)
    for step in (spool.open(), spool.append([noted(1), noted(2)]), spool.first(1000)):
        ensureDeferred(step)
        turn()
    ensureDeferred(spool.append([noted(3), noted(4), noted(5)]))
    ensureDeferred(spool.drop())
    turn()
    turn()
    assert spool.count == 3
    ensureDeferred(spool.drop())
    ensureDeferred(spool.append([noted(6)]))
    turn()
    turn()
    assert spool.count == 4


def test_kill_9(folder: Path) -> None:
    """What `append` answered for is there after a kill, in order; at most the batch under way besides."""
    last = 0
    for acknowledged in (1, 40, 3, 90, 17):
        command = [sys.executable, "-c", CHILD, str(folder), str(last)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for _ in range(acknowledged):
                last = int(child.stdout.readline())
            child.kill()
            last = max([last, *map(int, child.stdout.read().split())])
        files = SpoolFiles(folder)
        count = files.open()
        files.close()
        assert last <= count <= last + 7
        last = count
    assert drained(SpoolFilesOpen(folder)) == list(range(1, last + 1))


FILL = """
import resource, signal, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from test_spool import line
from camtrace.spool import SpoolFiles
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
files = SpoolFiles(Path(sys.argv[1]))
files.open()
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, resource.RLIM_INFINITY))
done = []
for number in range(0, 400, 4):
    try:
        files.append([line(number + more) for more in range(4)])
        done.append(number)
    except OSError:
        break
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
files.append([line(1000)])
print(*done)
"""


def test_a_disk_that_fills_up_in_the_middle_of_a_write(folder: Path) -> None:
    """The system writes as much as fits and says so: that is not all, and nothing of it counts."""
    here = Path(__file__).resolve().parent
    command = [sys.executable, "-c", FILL, folder, here, here.parent]
    done = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert 3 < len(done) < 100
    files = SpoolFiles(folder)
    files.open()
    expected = [int(number) + more for number in done for more in range(4)]
    assert drained(files) == [*expected, 1000]


@given(
    st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=40)), max_size=4),
    st.integers(1, 60),
)
@settings(max_examples=60, deadline=None)
def test_damaged_anywhere(
    tmp_path_factory: pytest.TempPathFactory, damages: list[tuple[int, bytes]], count: int
) -> None:
    """Whatever bytes a disk has spoiled, every fact that they did not touch is there, in order."""
    folder = tmp_path_factory.mktemp("spool")
    files = SpoolFiles(folder)
    files.open()
    ends = []
    for number in range(count):
        files.append([line(number)])
        ends.append(next(folder.glob("*.spool")).stat().st_size)
    files.close()
    path = next(folder.glob("*.spool"))
    content = bytearray(whole := path.read_bytes())
    for place, spoilt in damages:
        at = place % len(content)
        content[at : at + len(spoilt)] = spoilt[: len(content) - at]
    path.write_bytes(content)
    begins = [0, *ends]
    intact = [n for n in range(count) if content[begins[n] : ends[n]] == whole[begins[n] : ends[n]]]
    files = SpoolFiles(folder)
    assert files.open() == len(intact)
    assert drained(files) == intact
    assert not list(folder.glob("*.spool"))
    if intact != list(range(count)) and intact[-1:] == [count - 1]:
        assert list(folder.glob("*.damaged"))
