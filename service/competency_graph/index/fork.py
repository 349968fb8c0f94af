"""Disposable processes: limits that the kernel keeps, and a seal against the outside. Linux only.

Work on text that somebody sent runs in a fork that may not open a connection, start a program or
trace another process, and that the kernel ends at a limit of time, memory or output. On another
system than Linux only the time limit holds, and :func:`seal` says so by returning ``False``.
"""

import ctypes
import faulthandler
import fcntl
import gc
import os
import platform
import resource
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final, NoReturn

from competency_graph.errors import CompetencyGraphError, InternalError, Limit, LimitReached

# Which limit a fork hit, by the signal that ended it. Allocation failure aborts in Rust; a blown
# stack is a fault of memory access; the kernel's own killer of last resort counts as memory.
LIMIT_OF_SIGNAL: Final[dict[int, Limit]] = {
    signal.SIGALRM: "time",
    signal.SIGABRT: "memory",
    signal.SIGKILL: "memory",
    signal.SIGSEGV: "nesting",
    signal.SIGBUS: "nesting",
    signal.SIGXFSZ: "bytes",
}

# System calls that reach outside, by architecture (linux/arch/*/include, syscall tables).
_DENIED: Final[dict[str, tuple[int, tuple[int, ...]]]] = {
    # socket connect bind listen execve ptrace socketpair process_vm_readv process_vm_writev
    # execveat io_uring_setup io_uring_enter io_uring_register pidfd_getfd
    "x86_64": (0xC000003E, (41, 42, 49, 50, 59, 101, 53, 310, 311, 322, 425, 426, 427, 438)),
    "aarch64": (0xC00000B7, (198, 203, 200, 201, 221, 117, 199, 270, 271, 281, 425, 426, 427, 438)),
}
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SECCOMP_MODE_FILTER: Final = 2
_EACCES: Final = 13


class _SockFilter(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("jt", ctypes.c_ubyte),
        ("jf", ctypes.c_ubyte),
        ("k", ctypes.c_uint),
    )


class _SockFprog(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.POINTER(_SockFilter)))


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _filter(architecture: int, denied: tuple[int, ...]) -> _SockFprog:
    """Build the classic BPF program: wrong architecture dies, a denied call answers EACCES."""
    load, equal, at_least, give_back = 0x20, 0x15, 0x35, 0x06
    allow, kill, refuse = 0x7FFF0000, 0x80000000, 0x00050000 | _EACCES
    count = len(denied)
    program = [
        (load, 0, 0, 4),  # seccomp_data.arch
        (equal, 1, 0, architecture),
        (give_back, 0, 0, kill),
        (load, 0, 0, 0),  # seccomp_data.nr
        # The x32 calls of x86_64 are the same calls under numbers from 2^30: refused as a range.
        (at_least, count + 1, 0, 0x40000000),
        *((equal, count - index, 0, number) for index, number in enumerate(denied)),
        (give_back, 0, 0, allow),
        (give_back, 0, 0, refuse),
    ]
    instructions = (_SockFilter * len(program))(*(_SockFilter(*row) for row in program))
    return _SockFprog(len(program), instructions)


def seal() -> bool:
    """Forbid this process and its children to reach outside; say whether the kernel obeyed.

    Open sockets go on working. It cannot be undone.
    """
    known = _DENIED.get(platform.machine()) if sys.platform == "linux" else None
    if known is None:
        return False
    program = _filter(*known)
    if _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    taken: int = _libc().prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)
    return taken == 0


def leave_no_core() -> None:
    """Write no core file, whatever kills this process: it holds other people's data."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def die_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel for a signal when the parent ends, however it ends."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def give_memory_back() -> None:
    """Return to the system what this process has freed, which the C library keeps otherwise."""
    if sys.platform == "linux" and hasattr(_libc(), "malloc_trim"):
        _libc().malloc_trim(0)


def offer_to_the_oom_killer() -> None:
    """Let the kernel take this process first when the machine runs out of memory."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
            score.write("1000")
    except OSError:
        return


@contextmanager
def ended_when_left(connection: socket.socket) -> Iterator[None]:
    """Let the kernel end this process if the other side goes away meanwhile. Linux only.

    The other side sends nothing while it waits for an answer, so that any sign from it is its end:
    the default action of ``SIGIO`` is to end the process.

    Raises:
        ConnectionError: it has gone already. Nothing was begun, so the process may go on.
    """
    if sys.platform != "linux":
        yield
        return
    flags = fcntl.fcntl(connection, fcntl.F_GETFL)
    fcntl.fcntl(connection, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(connection, fcntl.F_SETFL, flags | os.O_ASYNC)
    try:
        # It may have gone before the kernel was asked to tell.
        gone = select.poll()
        gone.register(connection, select.POLLRDHUP)
        if gone.poll(0):
            raise ConnectionResetError("the other side has gone")
        yield
    finally:
        fcntl.fcntl(connection, fcntl.F_SETFL, flags)


def limit_time(seconds: float) -> None:
    """Let the kernel end this process after so many seconds; 0 takes the limit away."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


_statms: Final[dict[int, int]] = {}


def _statm(process: int) -> int:
    """Open what the kernel tells of the size of a process, once in each: a small query notices."""
    if process not in _statms:
        # A fork has that of its parent, and one that forks in turn would hand on ever more.
        while _statms:
            os.close(_statms.popitem()[1])
        _statms[process] = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    return _statms[process]


def limit_memory(more: int | None) -> None:
    """Let allocations fail past the present size of this process and ``more`` bytes."""
    if sys.platform != "linux":
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if more is None:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        return
    pages = int(os.pread(_statm(os.getpid()), 64, 0).split()[0])
    soft = pages * resource.getpagesize() + more
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def sealed(work: Callable[[], bytes], *, seconds: float, memory: int) -> bytes:
    """Run ``work`` in a sealed fork and return its bytes.

    The caller must have one thread. An error of our own tree raised by ``work`` is raised here with
    the same class and sentence; its facts come back as far as JSON holds them.

    Raises:
        LimitReached: the fork was ended at a limit, or its result was cut short.
        InternalError: the fork failed in any other way.
    """
    from competency_graph.index import wire

    receiving, sending = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(receiving)
        _work_and_exit(work, sending, seconds=seconds, memory=memory)
    os.close(sending)
    try:
        answer = _read_until(receiving, time.monotonic() + seconds + 1)
    finally:
        os.close(receiving)
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            pass
        status = os.waitpid(child, 0)[1]
    if len(answer) >= 9 and struct.unpack("!Q", answer[1:9])[0] == len(answer) - 9:
        if answer[:1] == b"+":
            return answer[9:]
        raise wire.error_from_bytes(answer[9:])
    if os.WIFSIGNALED(status) and (limit := LIMIT_OF_SIGNAL.get(os.WTERMSIG(status))):
        value = {"time": seconds, "memory": memory / 1_000_000}.get(limit)
        raise LimitReached(limit, value)
    raise InternalError("A worker ended without an answer. Try again, and report it if it repeats.")


def _read_until(descriptor: int, deadline: float) -> bytes:
    """Read to the end, or to the deadline: a fork whose timer failed is not waited for."""
    chunks: list[bytes] = []
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            break
        chunk = os.read(descriptor, 1 << 20)
        if not chunk:
            break
        chunks.append(chunk)
    return b"".join(chunks)


def _work_and_exit(
    work: Callable[[], bytes], sending: int, *, seconds: float, memory: int
) -> NoReturn:
    from competency_graph.index import wire

    code = 1
    try:
        gc.disable()
        # The parent tells why a fork ended; a dump of its stack helps nobody.
        faulthandler.disable()
        leave_no_core()
        die_with_parent(signal.SIGKILL)
        limit_time(seconds)
        limit_memory(memory)
        seal()
        try:
            sign, answer = b"+", work()
        except CompetencyGraphError as error:
            sign, answer = b"-", wire.error_to_bytes(error)
        with os.fdopen(sending, "wb") as pipe:
            pipe.write(sign + struct.pack("!Q", len(answer)) + answer)
        code = 0
    except MemoryError:
        os.abort()
    finally:
        os._exit(code)
