"""Faults on order: what goes wrong, with which calls, for how many of them or how long."""

import functools
import struct
import threading
import zlib
from dataclasses import asdict, dataclass, field

from config import Invalid

# Those that break before the effect unless told otherwise; the others spoil the answer to what was kept.
BEFORE = {"status", "hang", "reset", "redirect"}
KINDS = BEFORE | {"half", "wrong-json", "slow", "huge", "gzip-bomb"}
ROUTES = {"*", "availability", "restrictions", "availability.read", "restrictions.read", "hooks", "feeds"}
MIB = 1 << 20


@dataclass
class Fault:
    """`when`: whether the effect of the call takes place (`after`) or not (`before`), which the caller cannot know.
    A slow call with `before` takes its effect late, when the delay is over, whether or not anyone still waits."""

    kind: str
    route: str = "*"  # or hooks/NAME, feeds/NAME
    property: str | None = None  # of any of its values; None: any
    when: str = ""
    times: int | None = None  # the next so many calls
    seconds: float | None = None  # from now on; both: whichever ends first; none: until cleared
    status: int | None = None  # of status (500) and redirect (302)
    retry_after: int | str | None = None  # seconds or an HTTP date, as a header
    body: str | None = None  # of status and wrong-json
    delay: float = 30.0  # seconds that hang and slow last, or until released
    drip: bool = False  # slow: the head at once, the body byte by byte over the delay
    location: str = "/elsewhere"  # of redirect; calls to /elsewhere are in the log
    bytes: int = 64 * MIB  # huge: as sent; gzip-bomb: when unpacked
    hits: int = 0
    until: float | None = field(default=None)

    def __post_init__(self):
        self.when = self.when or ("before" if self.kind in BEFORE else "after")
        for name, fine in (
            ("kind", self.kind in KINDS),
            ("route", isinstance(self.route, str) and (self.route in ROUTES or self.route.startswith(("hooks/", "feeds/")))),
            ("when", self.when in ("before", "after")),
            ("times", self.times is None or isinstance(self.times, int) and self.times > 0),
            ("seconds", self.seconds is None or isinstance(self.seconds, (int, float)) and self.seconds > 0),
            ("status", self.status is None or isinstance(self.status, int) and 200 <= self.status <= 599),
            ("delay", isinstance(self.delay, (int, float)) and self.delay >= 0),
            ("bytes", isinstance(self.bytes, int) and self.bytes >= 2),
        ):
            if not fine:
                raise Invalid(f"{name}: not a value of the right form: {getattr(self, name)!r}")

    def meets(self, routes, properties, now: float) -> bool:
        spent = self.times is not None and self.hits >= self.times or self.until is not None and now >= self.until
        return not spent and self.route in ("*", *routes) and (self.property is None or self.property in properties)


class Faults:
    """The first that meets a call is what happens to it. Not locked: the world's lock is held."""

    def __init__(self):
        self.ordered = []
        self._released = threading.Event()

    def order(self, wanted, now: float):
        """Replaces all, with [{kind, ...}] as the fields of `Fault`."""
        if not isinstance(wanted, list) or not all(isinstance(one, dict) for one in wanted):
            raise Invalid("expected a list of faults")
        try:
            ordered = [Fault(**one) for one in wanted]
        except TypeError as problem:
            raise Invalid(f"fault: {problem}") from None
        for fault in ordered:
            fault.until = None if fault.seconds is None else now + fault.seconds
        self.ordered = ordered

    def match(self, routes, properties, now: float) -> Fault | None:
        fault = next((one for one in self.ordered if one.meets(routes, properties, now)), None)
        if fault:
            fault.hits += 1
        return fault

    def as_list(self) -> list[dict]:
        return [asdict(fault) for fault in self.ordered]

    # ---- Calls that are held.

    def hold(self) -> threading.Event:
        """Set when those held now are let go."""
        return self._released

    def release(self):
        self._released.set()
        self._released = threading.Event()


@functools.lru_cache(2)
def gzip_bomb(size: int) -> bytes:
    """A JSON array of blanks, `size` bytes unpacked, about a thousandth of it packed. One member: every decoder reads on."""
    blanks = b" " * MIB
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = [packer.compress(b"[") + packer.flush(zlib.Z_FULL_FLUSH)]
    whole, rest = divmod(size - 2, MIB)
    block = packer.compress(blanks) + packer.flush(zlib.Z_FULL_FLUSH)  # stands for itself, so it can be repeated
    packed += [block] * whole
    packed.append(packer.compress(b" " * rest + b"]") + packer.flush())
    check = zlib.crc32(b"[")
    for _ in range(whole):
        check = zlib.crc32(blanks, check)
    check = zlib.crc32(b" " * rest + b"]", check)
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    return head + b"".join(packed) + struct.pack("<II", check, size & 0xFFFFFFFF)
