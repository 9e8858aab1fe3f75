#!/usr/bin/env python3
"""The chat plugin with company, on one event loop and on several."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon


class Guest:
    """A client that reads line by line."""

    def __init__(self, d):
        self.socket = harness.connect(d.addr("room"))
        self.file = self.socket.makefile("r", encoding="utf-8", newline="\n")
        assert self.line().startswith("* welcome")
        self.name = self.line().removeprefix("* you are ")

    def line(self):
        line = self.file.readline()
        assert line.endswith("\n"), f"the room is closed: {line!r}"
        return line[:-1]

    def until(self, wanted):
        """Read on until this line. @return the lines before it"""
        before = []
        while (line := self.line()) != wanted:
            before.append(line)
        return before

    def say(self, text):
        self.socket.sendall(text.encode() + b"\n")

    def close(self):
        self.file.close()
        self.socket.close()


def room(tmp, loops, **listener):
    return Daemon({"room": {"listen": f"unix://{tmp}/s", "handler": "chat", **listener}}, daemon={"threads": loops})


def test_all_hear_what_one_says(tmp):
    for loops, threads in ((1, "all"), (2, "all"), (2, "1"), (4, "all")):
        with room(tmp, loops, threads=threads).start() as d:
            guests = [Guest(d) for _ in range(9)]
            for g in guests:
                g.say(f"I am {g.name}")
            for g in guests:
                heard = set()
                while len(heard) < len(guests) - 1:
                    line = g.line()
                    if ": I am " in line:
                        heard.add(line)
                assert heard == {f"{o.name}: I am {o.name}" for o in guests if o is not g}
            for g in guests:
                g.close()


def test_lines_of_one_speaker_keep_their_order_over_loops(tmp):
    with room(tmp, 2).start() as d:
        guests = [Guest(d) for _ in range(4)]
        for i in range(500):
            guests[0].say(f"line {i}")
        for g in guests[1:]:
            heard = [line for line in g.until(f"{guests[0].name}: line 499") if not line.startswith("* ")]
            assert heard == [f"{guests[0].name}: line {i}" for i in range(499)]


def test_names_are_one_set_for_all_loops(tmp):
    with room(tmp, 2).start() as d:
        guests = [Guest(d) for _ in range(6)]
        for g in guests:
            g.say("/nick anna")
        refused = 0
        for g in guests:
            g.say("/quit")
            lines = [line.rstrip("\n") for line in g.file]
            refused += "* anna is somebody else" in lines
        assert refused == len(guests) - 1


def test_others_are_told_who_comes_and_goes(tmp):
    with room(tmp, 2).start() as d:
        first = Guest(d)
        second = Guest(d)
        assert first.until(f"* {second.name} has come") == []
        second.close()
        assert first.until(f"* {second.name} has gone") == []


def test_a_guest_that_does_not_read_holds_up_nobody(tmp):
    with room(tmp, 1, buffers={"write": "4KiB"}, socket={"send_buffer": "4KiB"}).start() as d:
        deaf, speaker, listener = Guest(d), Guest(d), Guest(d)
        for i in range(3000):
            speaker.say(f"{i} " + 100 * "x")
            listener.until(f"{speaker.name}: {i} " + 100 * "x")
        speaker.say("/quit")
        lines = [deaf.line()]
        while not lines[-1].startswith("* you have missed"):
            lines.append(deaf.line())
        assert int(lines[-1].split()[4]) > 100


def test_a_long_answer_arrives_whole_and_nothing_comes_between(tmp):
    small = {"buffers": {"write": "4KiB"}, "socket": {"send_buffer": "4KiB"}}
    with room(tmp, 1, **small).start() as d:
        guests, names = [], [f"{i:03}-{20 * 'x'}" for i in range(60)]
        for name in names:
            guests.append(Guest(d))
            guests[-1].say(f"/nick {name}")
            for g in guests:
                g.until(f"* {guests[-1].name} is now {name}")
        asks, speaker = guests[0], guests[-1]
        with d.connect("room") as brief:  # who says no more, and reads late
            brief.sendall(400 * b"/who\n" + b"/who")
            brief.shutdown(harness.socket.SHUT_WR)
            asks.socket.sendall(400 * b"/who\n")
            for i in range(300):
                speaker.say(f"{i} " + 100 * "x")
            speaker.say("/help")
            speaker.until("* there are /nick NAME, /who and /quit")

            lines = harness.receive_all(brief).decode().splitlines()
            assert [line.split()[1:61] for line in lines if line.startswith("* 000-")] == 401 * [names], len(lines)
        answers = missed = 0
        while answers < 400:
            line = asks.line()
            if line.startswith("* 000-"):
                assert line.split()[1:61] == names, line
                answers += 1
            elif line.startswith("* you have missed"):
                missed += int(line.split()[4])
        assert missed > 100, missed
        for g in guests:  # what they have not read would hold up the end
            g.close()


def test_no_guest_writes_on_another_terminal(tmp):
    with room(tmp, 1).start() as d:
        a, b = Guest(d), Guest(d)
        a.socket.sendall(b"\x1b[2J\x07clear\x7f\n")
        assert b.until(f"{a.name}:  [2J clear ") == []
        a.socket.sendall("\u009b2J\u0085 \u00a0\u00e4 \u2029\n".encode())  # CSI and NEL in UTF-8, and no control characters
        assert b.until(f"{a.name}:   2J   \u00a0\u00e4 \u2029") == []


if __name__ == "__main__":
    harness.main()
