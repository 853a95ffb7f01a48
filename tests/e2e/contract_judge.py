# SPDX-License-Identifier: MIT
"""What the contract of silence (docs/decisions/0003) says about 0x351, 0x35A, 0x372 and the others at
each age, worked out from its text; and how far a frame lies from it.

A limit that moves is judged by the ages at which the contract has it so, rounded to the 0.1 A of 0x351
(over 0 A never to 0.0): inside them a frame deviates by 0, outside by the time to the nearest of them.
+ is late, - is early."""
import bisect
import time

WITHIN_S = 0.100
CCL, DCL, CVL = 18.0, 54.0, 58.1  # 0.9 x registers 318 and 317 of the peer; 14 x 4.150 V
TENTH_DCL = 5.4
STALE_CVL = 56.7                  # 14 x (4.150 - 0.100) V
RAMP_S = 9.0                      # from a tenth of nominal by a tenth a second
HALF_STEP = 0.05                  # of 0x351
NEEDED = {300, 301, 307, *range(315, 321)}  # settings without which a sample is not complete


class Deviates(AssertionError):
    pass


def outside(age, first, last):
    return age - first if age < first else age - last if age > last else 0.0


def closing_ages(sent, high, low, from_s, to_s):
    """(first, last) age at which a limit that closes from `high` to `low` is sent as `sent`."""
    def age(value):
        return to_s - (min(max(value, low), high) - low) / (high - low) * (to_s - from_s)

    if sent > high + HALF_STEP or sent < low - HALF_STEP:
        raise Deviates("%.1f A is not between %.1f and %.1f A" % (sent, low, high))
    first = float("-inf") if sent > high - HALF_STEP else to_s if sent == 0.0 else age(sent + HALF_STEP)
    last = float("inf") if sent < low + HALF_STEP else to_s if sent < 0.15 else age(sent - HALF_STEP)
    return first, last


def opening_times(sent, nominal):
    """(first, last) second of a ramp at which it is sent as `sent`."""
    first = (sent - HALF_STEP) / nominal * 10 - 1
    last = (sent + HALF_STEP) / nominal * 10 - 1
    return (float("-inf") if first <= 0.0 else first,
            float("inf") if sent > nominal - HALF_STEP else last)


class Judge:
    """One scenario's station, and its deviations so far."""

    def __init__(self, station):
        self.s = station
        self.rows = []

    @staticmethod
    def expect(condition, what):
        if not condition:
            raise Deviates(what)

    def deviation(self, what, seconds):
        self.rows.append((what, seconds))
        self.expect(abs(seconds) <= WITHIN_S, "%s: %+.3f s" % (what, seconds))

    def worst(self, what, seconds):
        seconds = list(seconds)
        self.expect(seconds, "%s: no frame" % what)
        self.deviation(what, max(seconds, key=abs))

    def wait_until(self, at):
        while time.monotonic() < at:
            self.expect(self.s.alive(), "the gateway has ended")
            time.sleep(min(0.5, max(0.0, at - time.monotonic())))

    def wait_for(self, identifier, predicate, timeout, since=0.0):
        deadline, seen = time.monotonic() + timeout, bisect.bisect_left(self.s.times, since)
        while time.monotonic() < deadline:
            for frame in self.s.frames[seen:]:
                seen += 1
                if frame.id == identifier and predicate(frame.value):
                    return frame
            time.sleep(0.05)
        raise Deviates("0x%03X did not come within %s s" % (identifier, timeout))

    def first(self, what, expected, identifier, predicate, since):
        """The first such frame after `since` comes at the time expected."""
        frame = next((f for f in self.s.between(since, expected + 3.0, identifier) if predicate(f.value)), None)
        self.expect(frame is not None, "%s: no such frame" % what)
        self.deviation(what, frame.at - expected)
        return frame

    # ---- the words of the contract ----

    def nothing_changes(self, since, until, ccl=CCL, dcl=DCL):
        frames = self.s.between(since, until, 0x351)
        self.expect(frames, "0x351 goes on")
        for f in frames:
            self.expect((f.value["ccl"], f.value["dcl"], f.value["cvl"]) == (ccl, dcl, CVL),
                        "nothing changes, but %s" % f)
        for f in self.s.between(since, until, 0x35A):
            self.expect(f.value["online"] and f.value["alarms"]["BMS internal"] == "quiet", "no alarm: %s" % f)

    def closes(self, key, high, low, zero_at):
        """Every 0x351 until zero_at + 0.1 s has the limit that its age gives it."""
        s, length = self.s, self.s.zero - self.s.close
        frames = s.between(zero_at - s.zero, zero_at + WITHIN_S, 0x351)
        self.worst("%s closes linearly to %s" % (key.upper(), "0" if low == 0 else "a tenth"),
                   (outside(f.at - zero_at, *closing_ages(f.value[key], high, low, -length, 0.0))
                    for f in frames))

    def falls_are_sent(self, zero_at):
        """No fall of a tenth of nominal waits for its turn."""
        s, length = self.s, self.s.zero - self.s.close
        frames = s.between(zero_at - length - s.period - WITHIN_S, zero_at + WITHIN_S, 0x351)
        late = []
        for a, b in zip(frames, frames[1:]):
            due = zero_at - max(a.value["ccl"] - CCL / 10, 0.0) / CCL * length
            late.append(max(0.0, b.at - max(due, a.at + 0.1)))  # out of turn at most every 100 ms
        self.worst("a fall of a tenth of nominal is sent out of turn", late)

    def keeps_turns(self, since, until):
        """0x351 of their turn stay on the grid of the first one."""
        frames = self.s.between(since, until, 0x351)
        times = [f.at for f in frames]
        beside = []
        at = times[0] + self.s.period
        while at < until - WITHIN_S:
            i = bisect.bisect_left(times, at)
            near = min((abs(t - at), t - at) for t in times[max(0, i - 1):i + 1])
            beside.append(near[1])
            at += self.s.period
        if beside:
            self.worst("0x351 of its turn, against the first", beside)

    def repeats(self, since, until):
        """0x355, 0x356 and 0x373 say the last values until silence."""
        for identifier in (0x355, 0x356, 0x373):
            frames = self.s.between(since, until, identifier)
            self.expect(frames, "0x%03X goes on" % identifier)
            self.expect(len({f.data for f in frames}) == 1, "0x%03X repeats its last value" % identifier)

    def falls_silent(self, silent_at):
        """Frames are spread over a period, with gaps where this battery has nothing to say: the last of
        them, of whatever identifier, is that near, beyond the largest of those gaps."""
        frames = self.s.between(silent_at - 2 * self.s.period, float("inf"))
        self.expect(len(frames) > 1, "frames go on until silence")
        gap = max(b.at - a.at for a, b in zip(frames, frames[1:]))
        self.expect(gap < 0.25 * self.s.period, "frames are spread evenly, not %.3f s apart" % gap)
        late = frames[-1].at - silent_at
        self.deviation("the last frame of all", late if late > 0 else min(0.0, late + gap))

    def opens(self, what, opened_at, until, dcl_ramps):
        """The third good sample was at opened_at."""
        self.first(what, opened_at, 0x351, lambda v: v["dcl"] > 0, opened_at - 0.5)
        frames = self.s.between(opened_at - 0.05, until, 0x351)
        for key, nominal in (("ccl", CCL), ("dcl", DCL)) if dcl_ramps else (("ccl", CCL),):
            self.worst("%s opens from a tenth, a tenth a second" % key.upper(),
                       (outside(f.at - opened_at, *opening_times(f.value[key], nominal)) for f in frames))
        for f in frames:
            self.expect(f.value["cvl"] == CVL, "CVL is what it was: %s" % f)
            self.expect(dcl_ramps or f.value["dcl"] == DCL, "DCL has its full value at once: %s" % f)
