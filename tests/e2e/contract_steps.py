# SPDX-License-Identifier: MIT
"""The scenarios: what happens to a battery's link, and which words of the contract then hold when.

Silence is counted from the last good sample that the BMS gave, taken where it wrote it."""
import time

from bms_peer import Pack
from contract_judge import CCL, DCL, NEEDED, RAMP_S, STALE_CVL, TENTH_DCL, WITHIN_S

SHORT = {"close": 2.0, "zero": 5.0, "zero_discharge": 7.5, "silent": 10.0}
QUICK = {**SHORT, "period": 0.2}
GOOD = 3  # good samples in a row open
RESTART_S = 10.0
FROZEN_S = 60.0
ANOTHER_S = 15.0


# ---- what all begin with ----

def complete_from(s, since=0.0):
    """When the BMS had told all settings that a first sample needs."""
    missing, at = set(NEEDED), None
    for when, code, first, count in list(s.bms.commands):
        if when >= since and code == 0x03 and missing & set(range(first, first + count)):
            missing -= set(range(first, first + count))
            at = when
    return None if missing else at


def boots(j):
    """Nothing before the third good sample; then DCL at once, CCL from a tenth. Returns its time."""
    s = j.s
    j.wait_for(0x351, lambda v: True, 8.0)
    third = s.samples(complete_from(s))[GOOD - 1][0]
    j.deviation("start: third good sample to the first frame", s.frames[0].at - third)
    return third


def opens_fully(j):
    opened = boots(j)
    j.wait_until(opened + RAMP_S + 1.2 * j.s.period)
    j.opens("start: third good sample to the first 0x351", opened, opened + RAMP_S + j.s.period, False)
    return opened


def falls_mute(s):
    """Returns the time of the last good sample."""
    with s.pack.lock:
        s.faults.mute = True
    time.sleep(0.02)
    return s.samples()[-1][0]


# ---- words that several scenarios share ----

def closes_all(j, silence, dcl_at_zero=TENTH_DCL):
    """The steps from close to zero_discharge, for data as old as if the silence began then."""
    s = j.s
    zero = silence + s.zero
    j.nothing_changes(silence, silence + s.close - WITHIN_S)
    j.closes("ccl", CCL, 0.0, zero)
    if dcl_at_zero > 0 and s.zero_discharge > s.zero + 2 * WITHIN_S:
        j.closes("dcl", DCL, TENTH_DCL, zero)
    j.falls_are_sent(zero)
    j.first("CCL 0", zero, 0x351, lambda v: v["ccl"] == 0, silence)
    j.first("CVL at most 14 x (register 300 - 100 mV)", zero, 0x351, lambda v: v["cvl"] <= STALE_CVL, silence)
    j.first("alarm BMS internal", zero, 0x35A, lambda v: v["alarms"]["BMS internal"] == "active", silence)
    j.first("offline in 0x35A", zero, 0x35A, lambda v: v["online"] is False, silence)
    j.first("one module offline in 0x372", zero, 0x372, lambda v: (v["ok"], v["offline"]) == (0, 1), silence)
    j.first("DCL 0", silence + (s.zero_discharge if dcl_at_zero > 0 else s.zero), 0x351,
            lambda v: v["dcl"] == 0, silence)
    for f in s.between(zero + WITHIN_S, silence + s.zero_discharge - WITHIN_S, 0x351):
        j.expect((f.value["ccl"], f.value["dcl"]) == (0, dcl_at_zero), "a tenth is left: %s" % f)


def ends_silent(j, silence, since):
    s = j.s
    silent = silence + s.silent
    j.wait_until(silent + 1.5)
    closes_all(j, silence)
    j.falls_silent(silent)
    j.repeats(silence + 0.1, silent)
    j.keeps_turns(since, silent)


def asked_every_second(j, since, until):
    heard = [at for at in list(j.s.bms.heard) if since <= at < until]
    gaps = [b - a for a, b in zip(heard, heard[1:])]
    j.expect(gaps, "while silent the BMS is asked")
    j.rows.append(("while silent: the longest time between two questions, beyond 1 s", max(0.0, max(gaps) - 1.0)))
    j.expect(max(gaps) <= 1.0 + WITHIN_S, "asked at least every second: %.3f s" % max(gaps))


def comes_back(j, dcl_ramps=True):
    s = j.s
    back = time.monotonic()
    s.faults.mute = s.faults.frozen = False
    s.faults.cell_jitter = s.faults.current_jitter = True
    j.wait_for(0x351, lambda v: v["ccl"] > 0, 8.0, since=back)
    last = [at for at, _ in s.samples() if at < back][-1]
    if back - last >= ANOTHER_S:  # it may be another BMS: its settings are read first
        opened = s.samples(complete_from(s, back))[GOOD - 1][0]
    else:
        opened = s.samples(back)[GOOD - 1][0]
    j.wait_until(opened + RAMP_S + 1.2 * s.period)
    j.opens("back: third good sample to 0x351", opened, opened + RAMP_S + s.period, dcl_ramps)
    online = j.wait_for(0x35A, lambda v: v["online"] and v["alarms"]["BMS internal"] == "quiet", 2.0, since=back)
    j.expect(online.at - opened <= s.period + WITHIN_S, "online again with the next 0x35A")
    return opened


def logged(j, *changes):
    """Each change of stage has its line, in this order, with its reason."""
    lines = [line for line in j.s.log.splitlines() if " policy: stage " in line]
    said = [tuple(w.split("=", 1)[1] for w in line.split() if w.startswith(("from=", "to=", "reason=")))
            for line in lines]
    j.expect(said == list(changes), "stages in the log: %s" % said)


# ---- scenarios ----

def silence(j):
    """The whole staircase, and back."""
    s = j.s
    opened = opens_fully(j)
    began = falls_mute(s)
    stages = []
    for stage, age in (("closing", (s.close + s.zero) / 2), ("no-charge", (s.zero + s.zero_discharge) / 2),
                       ("no-discharge", (s.zero_discharge + s.silent) / 2), ("silent", s.silent + 0.5)):
        if stage == "no-charge" and s.zero_discharge - s.zero < 1.0:
            continue
        if stage == "no-discharge" and s.silent - s.zero_discharge < 1.0:
            continue
        j.wait_until(began + age)
        state = s.status()
        stages.append((stage, state["stage"], state["stage_reason"]))
    ends_silent(j, began, opened)
    asked_every_second(j, began, began + s.silent)
    for expected, stage, reason in stages:
        j.expect((stage, reason) == (expected, "no-good-sample"), "status says %s" % stages)
    comes_back(j)
    steps = ["boot", "fresh", "closing"] + (["no-charge"] if s.zero < s.zero_discharge else [])
    steps += ["no-discharge", "silent", "fresh"]
    reasons = ["good-samples"] + ["no-good-sample"] * (len(steps) - 3) + ["good-samples"]
    logged(j, *zip(steps, steps[1:], reasons))


def low_cell(j):
    s = j.s
    opens_fully(j)
    s.pack.set_cells([3149] + [3160] * 13)  # under register 301 + 150 mV = 3150 mV
    time.sleep(4 * s.poll)
    began = falls_mute(s)
    j.wait_until(began + s.zero_discharge + 1.0)
    closes_all(j, began, dcl_at_zero=0.0)


def cell_that_is_not_low(j):
    s = j.s
    opens_fully(j)
    s.pack.set_cells([3150] + [3160] * 13)
    time.sleep(4 * s.poll)
    began = falls_mute(s)
    j.wait_until(began + s.zero_discharge + 1.0)
    closes_all(j, began)


def status_fault(j):
    """A fault acts at once; and it is still there when the BMS then falls silent."""
    s = j.s
    opens_fully(j)
    at = happens(s, lambda pack: pack.word.update({50: 0x9B}))
    time.sleep(1.2)
    j.first("status fault: CCL and DCL 0", at, 0x351, lambda v: (v["ccl"], v["dcl"]) == (0, 0), at - 0.5)
    began = falls_mute(s)
    j.wait_until(began + s.silent + 1.0)
    for f in s.between(began, began + s.silent, 0x351):
        j.expect((f.value["ccl"], f.value["dcl"]) == (0, 0), "nothing opens with age: %s" % f)
    j.first("CVL at most 14 x (register 300 - 100 mV)", began + s.zero, 0x351,
            lambda v: v["cvl"] <= STALE_CVL, began)
    j.falls_silent(began + s.silent)


def frozen_device(j):
    """It answers, but not even its clock moves: the data is as old as its last change."""
    s = j.s
    opened = opens_fully(j)
    with s.pack.lock:
        s.faults.frozen = True
    j.wait_until(time.monotonic() + s.silent + 2.0)
    ends_silent(j, last_change(s.samples(), lambda words: words), opened)
    j.expect(len(s.samples(time.monotonic() - 1.0)) >= 3, "it has answered all the time")
    logged(j, *zip(("boot", "fresh", "closing", "no-charge", "no-discharge"),
                   ("fresh", "closing", "no-charge", "no-discharge", "silent"),
                   ("good-samples",) + ("nothing-changes",) * 4))


def last_change(samples, of):
    k = len(samples) - 1
    while k > 0 and of(samples[k][1]) == of(samples[k - 1][1]):
        k -= 1
    return samples[k][0]


def cells_and_current(words):
    return words[:16] + words[38:40]


def frozen_cells(j):
    """The clock ticks; cells and current do not, at 5 A: after 60 s that is the age of closing."""
    s = j.s
    opened = opens_fully(j)
    with s.pack.lock:
        s.faults.cell_jitter = s.faults.current_jitter = False
    j.wait_until(time.monotonic() + FROZEN_S - s.close + s.silent + 2.0)
    still = last_change(s.samples(), cells_and_current)
    ends_silent(j, still + FROZEN_S - s.close, opened)
    logged(j, *zip(("boot", "fresh", "closing", "no-charge", "no-discharge"),
                   ("fresh", "closing", "no-charge", "no-discharge", "silent"),
                   ("good-samples",) + ("frozen",) * 4))


def still_cells(j, change):
    s = j.s
    opens_fully(j)
    change(s)
    at = time.monotonic()
    j.wait_until(at + FROZEN_S + s.close + 3.0)
    j.nothing_changes(at + 0.5, time.monotonic())


def still_cells_at_rest(j):
    """0.8 A are less than 5 % of 18 A."""
    def change(s):
        s.faults.cell_jitter = s.faults.current_jitter = False
        s.pack.set_current(0.8)
    still_cells(j, change)


def one_moving_cell(j):
    def change(s):
        s.faults.current_jitter = False
    still_cells(j, change)


def implausible(j):
    """Every answer is nonsense: the pack's voltage and registers 40 and 41 agree with nothing. That is
    as good as no answer."""
    s = j.s
    opened = opens_fully(j)
    with s.pack.lock:
        began = s.samples()[-1][0]
        s.pack.set_f32(36, 60.0)
        s.pack.word[40], s.pack.word[41] = 3700, 3800
    ends_silent(j, began, opened)
    told = len(s.samples())
    while len(s.samples()) == told:  # between two answers: which of them are good is then no question
        time.sleep(0.001)
    s.pack.set_cells(s.pack.cells)
    back = time.monotonic()
    j.wait_for(0x351, lambda v: True, 8.0, since=back)
    third = s.samples(back)[GOOD - 1][0]
    j.wait_until(third + RAMP_S + 1.2 * s.period)
    j.opens("plausible again: third good sample to 0x351", third, third + RAMP_S + s.period, True)


def one_witness(j):
    """One register of the three that tell the voltage is wrong: the other two carry it."""
    s = j.s
    opens_fully(j)
    at = time.monotonic()
    s.pack.set_f32(36, 60.0)
    time.sleep(s.close + 1.0)
    s.pack.set_f32(36, sum(s.pack.cells) / 1000)
    s.pack.word[40], s.pack.word[41] = 3700, 4150
    time.sleep(s.close + 1.0)
    j.nothing_changes(at, time.monotonic())


def steps_wait(j):
    """A step of more than 10 K or 5 % is shown with its third repeat, in the turn of its frame."""
    s = j.s
    opens_fully(j)
    for what, change, identifier, shown in (
            ("a step of 11 K", lambda p: p.set_external(1, 32.0), 0x356, lambda v: v["temperature"] == 32.0),
            ("a step of 6 %", lambda p: p.set_soc(58.2), 0x355, lambda v: v["soc_fine"] == 58.2)):
        happens(s, change)
        begin = s.samples()[-1][0]
        time.sleep(1.5)
        third = s.samples(begin - 0.001)[GOOD - 1][0]
        turn = s.between(0.0, begin, identifier)[-1].at
        while turn < third:
            turn += s.period
        frame = next(f for f in s.between(begin, begin + 3.0, identifier) if shown(f.value))
        j.expect(frame.at > third, "%s is not shown before it was seen three times" % what)
        j.deviation("%s: the first turn after its third reading" % what, frame.at - turn)


def happens(s, change):
    """Changes the pack; returns the time of the first answer that says so."""
    with s.pack.lock:
        change(s.pack)
        at = time.monotonic()
    while not s.samples(at) and time.monotonic() < at + 5.0:
        time.sleep(0.005)
    return s.samples(at)[0][0]


def dangerous(j):
    """At once, although the answers agree with nothing."""
    s = j.s
    opens_fully(j)

    def nonsense(pack):
        pack.set_f32(36, 60.0)
        pack.word[40], pack.word[41] = 3700, 3800

    def with_cell(millivolts):
        def change(pack):
            pack.set_cell(5, millivolts)
            nonsense(pack)
        return change

    def with_sensor(celsius):
        def change(pack):
            pack.set_external(1, celsius)
            nonsense(pack)
        return change

    def with_fault(pack):
        pack.word[50] = 0x9B
        nonsense(pack)

    for what, change, stopped in (
            ("a cell at register 315", with_cell(4200), lambda v: (v["ccl"], v["dcl"]) == (0, DCL)),
            ("a cell at register 316", with_cell(2900), lambda v: v["ccl"] > 0 and v["dcl"] == 0),
            ("a sensor at register 319", with_sensor(60.0), lambda v: (v["ccl"], v["dcl"]) == (0, DCL)),
            ("a sensor under register 320", with_sensor(0.9), lambda v: (v["ccl"], v["dcl"]) == (0, DCL)),
            ("status fault", with_fault, lambda v: (v["ccl"], v["dcl"]) == (0, 0))):
        at = happens(s, change)
        time.sleep(0.4)
        j.first("dangerous and implausible: " + what, at, 0x351, stopped, at - 0.001)

        def mend(pack):
            pack.word[50] = 0x91
            pack.set_external(1, 21.0)
            pack.set_cells([3900 + i % 3 * 2 for i in range(14)])
        at = happens(s, mend)
        j.wait_for(0x351, lambda v: v["ccl"] > 0 and v["dcl"] == DCL, 5.0, since=at)


def flapping(j):
    """Answers that come and go: short pauses change nothing, a single sample ends closing, but not what
    comes after it; and age counts from the last of them."""
    s = j.s
    opened = opens_fully(j)
    for _ in range(6):  # 1.2 s without an answer, then one
        s.faults.mute = True
        time.sleep(1.2)
        s.bms.only, s.faults.mute = 1, False
        time.sleep(0.35)
    j.nothing_changes(opened + RAMP_S + 0.3, time.monotonic())
    s.bms.only, s.faults.mute = None, True
    began = s.samples()[-1][0]
    j.wait_until(began + (s.close + s.zero) / 2)
    s.bms.only, s.faults.mute = 1, False  # one good sample ends closing
    time.sleep(1.0)
    good = s.samples(began + 0.1)[0][0]
    j.first("closing: a good sample to the limits of before", good, 0x351,
            lambda v: (v["ccl"], v["dcl"]) == (CCL, DCL), good - 0.001)
    j.wait_until(good + s.zero + 0.3)
    j.first("closing again, CCL 0", good + s.zero, 0x351, lambda v: v["ccl"] == 0, good)
    s.bms.only, s.faults.mute = 2, False  # two are not three
    time.sleep(1.0)
    second = s.samples(good + 0.1)[1][0]
    j.wait_until(second + s.zero_discharge + 0.3)
    for f in s.between(second, second + s.zero_discharge - WITHIN_S, 0x351):
        j.expect((f.value["ccl"], f.value["dcl"]) == (0, TENTH_DCL), "two good samples open nothing: %s" % f)
    j.first("after two good samples: DCL 0", second + s.zero_discharge, 0x351, lambda v: v["dcl"] == 0, second)
    comes_back(j)


def back_before_silence(j):
    s = j.s
    opens_fully(j)
    began = falls_mute(s)
    j.wait_until(began + (s.zero + s.zero_discharge) / 2)
    opened = comes_back(j)
    j.first("back: alarm and offline end", opened, 0x35A,
            lambda v: v["online"] and v["alarms"]["BMS internal"] == "quiet", opened - 0.001)


def restart_that_returns(j):
    """Longer than every age of closing, but not longer than it may take."""
    s = j.s
    order, _ = ordered(j)
    j.wait_until(order + RESTART_S - 1.0)
    s.bms.mute_on_write, s.faults.mute = False, False
    j.wait_until(order + RESTART_S + 2.0)
    j.nothing_changes(order, time.monotonic())
    logged(j, ("boot", "fresh", "good-samples"))


def restart_that_does_not_return(j):
    """Age stands still for 10 s, then goes on."""
    s = j.s
    order, last = ordered(j)
    silence_began = order + RESTART_S - (order - last)
    j.wait_until(silence_began + s.silent + 1.0)
    j.nothing_changes(order, order + RESTART_S)
    closes_all(j, silence_began)
    j.falls_silent(silence_began + s.silent)


def ordered(j):
    """Orders a restart of the BMS (register 340), which is mute from its acknowledgement on. Returns
    when it was ordered, and the last good sample before."""
    s = j.s
    opens_fully(j)
    s.bms.mute_on_write = True
    since = time.monotonic()
    with s.ask(request="write", address=340, value=0):
        time.sleep(0.5)  # the answer takes longer: it is read back first, and nobody answers
    order = next(at for at, code, _, _ in list(s.bms.commands) if code == 0x10 and at >= since)
    return order, [at for at, _ in s.samples() if at <= order][-1]


def empty_pack():
    pack = Pack()
    pack.set_cells([2890] * 14)  # under register 316: it may rest at once
    pack.set_current(0.0)
    pack.word[50] = 0x97
    return pack


def resting(j):
    """No GX, idle and empty: after 5 s nothing goes out, and no alarm; asked once a minute; 0x305 wakes
    it at once, and it starts as at boot."""
    s = j.s
    boots(j)
    rest = s.opened + 5.0
    j.wait_until(rest + 1.5)
    j.falls_silent(rest)
    for f in s.between(0.0, rest, 0x35A):
        j.expect(f.value["online"] and f.value["alarms"]["BMS internal"] == "quiet", "no alarm: %s" % f)
    j.wait_until(rest + 61.5)
    j.expect(s.between(rest + WITHIN_S, float("inf")) == [], "nothing on CAN while it rests")
    asked = [at for at, code, first, _ in list(s.bms.commands) if code == 0x03 and first == 0 and at > rest + 1]
    j.deviation("asked once a minute", asked[0] - (rest + 60.0))
    j.expect(s.status()["stage"] == "resting", "status says resting")
    s.gx = True
    time.sleep(2.0)
    greeted = s.greeted[-1] if len(s.greeted) == 1 else next(at for at in s.greeted if at > rest)
    third = s.samples(greeted)[GOOD - 1][0]
    j.deviation("0x305 to the next question", s.samples(greeted)[0][0] - greeted)
    frames = s.between(greeted, float("inf"))
    j.expect(frames, "a GX wakes it")
    j.deviation("woken: third good sample to the first frame", frames[0].at - third)
    logged(j, ("boot", "fresh", "good-samples"), ("fresh", "resting", "rest"), ("resting", "boot", "wake"),
           ("boot", "fresh", "good-samples"))


def gx_absent(j):
    """It is shown as absent; the frames do not move, and none of them is the GX's own."""
    s = j.s
    opened = opens_fully(j)
    s.gx = False
    last = s.greeted[-1]
    j.wait_until(last + 9.7)
    present = s.status()["gx"]["present"]
    j.wait_until(last + 10.4)  # victron.keepalive_timeout_ms, 10 s
    j.expect((present, s.status()["gx"]["present"]) == (True, False), "shown as absent after 10 s")
    j.wait_until(last + 14.0)
    j.nothing_changes(opened + RAMP_S + 0.3, time.monotonic())
    j.keeps_turns(opened, time.monotonic())
    j.expect(not any(f.id in (0x305, 0x307) for f in s.frames), "0x305 is the GX's frame")


def poor_link(j):
    """Answers to a quarter of the questions, from the start of the first minute on: a warning of its own,
    in the turn of 0x35A."""
    s = j.s
    boots(j)
    s.bms.lost = 0.75
    minute = s.started + 60.0
    j.wait_until(minute + 2.5)
    frames = s.between(0.0, float("inf"), 0x35A)
    j.expect(all(f.value["warnings"]["BMS internal"] == "quiet" for f in frames if f.at < minute), "not before")
    turn = frames[0].at
    while turn < minute:
        turn += s.period
    j.first("answers to less than half of the questions for 60 s: warning", turn, 0x35A,
            lambda v: v["warnings"]["BMS internal"] == "active", 0.0)
    for f in s.between(minute - 40, minute, 0x351):
        j.expect(f.value["dcl"] == DCL, "limits stay: %s" % f)


ALL = (  # sentence, function, options of the station, only in the long form
    ("silence at the default ages", silence, {}, False),
    ("silence at the smallest ages", silence,
     {"close": 2.0, "zero": 5.0, "zero_discharge": 5.0, "silent": 10.0, "poll": 0.02, "period": 0.2}, False),
    ("silence at short ages", silence, SHORT, False),
    ("silence with a cell under register 301 + 150 mV", low_cell, SHORT, False),
    ("silence with a cell at register 301 + 150 mV", cell_that_is_not_low, SHORT, False),
    ("silence after the status fault", status_fault, SHORT, False),
    ("back before silence", back_before_silence, {**SHORT, "zero_discharge": 8.0}, False),
    ("a device that answers and stands still", frozen_device, SHORT, False),
    ("cells and current that stand still under load, at the default ages", frozen_cells, {}, True),
    ("cells and current that stand still under load", frozen_cells, QUICK, False),
    ("cells that stand still at rest are not frozen", still_cells_at_rest, QUICK, False),
    ("one cell that moves by 0.1 mV is not frozen", one_moving_cell, QUICK, False),
    ("answers that are implausible", implausible, SHORT, False),
    ("one of three witnesses is wrong", one_witness, QUICK, False),
    ("steps of temperature and charge", steps_wait, {"poll": 0.1, "period": 0.2}, False),
    ("danger acts at once, plausible or not", dangerous, {}, False),
    ("answers that come and go", flapping, SHORT, False),
    ("an ordered restart, and it returns", restart_that_returns, SHORT, False),
    ("an ordered restart, and it does not return", restart_that_does_not_return, SHORT, False),
    ("rest, and the GX that ends it", resting,
     {"gx": False, "pack": empty_pack, "settings": ("tinybms.low_power=true",)}, False),
    ("no GX", gx_absent, {}, False),
    ("a link that answers less than half of the time", poor_link, {"period": 0.2}, False),
)
