#!/usr/bin/env python3
"""Runs pyzmq_adapter.py, and the example of adapters/PROTOCOL.md, against the real router.

usage: pyzmq_adapter_test.py PATH/TO/switchboard
"""
import json
import os
import pathlib
import queue
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import threading

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = pathlib.Path(sys.argv[1]).resolve()
PATIENCE = 60  # a net under a broken run, far longer than anything takes


class Lines:
    """A process's standard output, a JSON object or a text a line."""

    def __init__(self, process):
        self.queue = queue.Queue()
        threading.Thread(target=self.read, args=(process,), daemon=True).start()

    def read(self, process):
        for line in process.stdout:
            self.queue.put(json.loads(line) if line.startswith("{") else line.rstrip("\n"))
        self.queue.put(None)

    def next(self):
        line = self.queue.get(timeout=PATIENCE)
        if line is None:
            raise AssertionError("the process ended early")
        return line

    def until(self, wanted):
        while not wanted(line := self.next()):
            pass
        return line


class Home:
    def __init__(self, folder):
        self.path = pathlib.Path(folder)
        self.environment = {**os.environ, "SWITCHBOARD_HOME": folder, "SWITCHBOARD_SOURCE": "lines"}
        self.environment.pop("SWITCHBOARD_SOURCE_KEY", None)
        (self.path / "switchboard.yaml").write_text(
            "adapters: { lines: { greeting: hello } }\naccess: { lines: { allow: [owner], groups: { room: { require_mention: false }, stdin: { require_mention: false } } } }\n")
        keys = self.path / "state" / "keys"
        keys.mkdir(parents=True, mode=0o700)
        for folder in (self.path, self.path / "state", keys):
            folder.chmod(0o700)
        key = keys / "lines.key"
        key.touch(mode=0o600)
        key.write_text(secrets.token_hex(32) + "\n")
        (self.path / "switchboard.yaml").chmod(0o600)
        self.router = None

    def start_router(self):
        log = open(self.path / "router.log", "ab")
        self.router = subprocess.Popen(
            [PROGRAM.parent / "switchboard-router", "run"], env=self.environment, stderr=log, stdout=log)

    def kill_router(self):
        self.router.send_signal(signal.SIGKILL)
        self.router.wait(PATIENCE)

    def start(self, script):
        process = subprocess.Popen(
            [sys.executable, script], env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return process, Lines(process)

    def ask(self, *words):
        done = subprocess.run([PROGRAM, *words], env=self.environment, capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout, done.stderr


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def write(process, **message):
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()


def events(home):
    code, output, errors = home.ask("history", "--limit", "1000", "--json")
    check(code == 0, f"history: {errors}")
    return [event["event_id"] for event in json.loads(output)["events"]]


def whole(home):
    """Publishing, refusal, a command, a crash of the router in the middle, and the end."""
    home.start_router()
    process, lines = home.start(HERE / "pyzmq_adapter.py")
    welcome = lines.until(lambda line: line["did"] == "welcomed")
    check(welcome["settings"] == {"greeting": "hello"}, f"settings came as {welcome['settings']}")

    write(process, id="1", chat="room", text="Grüße 🎉")
    check(lines.until(lambda line: line.get("id") == "1")["did"] == "acknowledged", "the first was not stored")
    write(process, id="2", chat="room", text="let me in", **{"from": "stranger"})
    refused = lines.until(lambda line: line.get("id") == "2")
    check(refused["did"] == "refused" and refused["code"] == "not-allowed", f"a stranger was {refused}")

    code, output, errors = home.ask("send", "lines:room", "hello out there")
    check(code == 0, f"send ended with {code}: {output}{errors}")
    check(lines.until(lambda line: line["did"] == "sent")["text"] == "hello out there", "another text came")

    total = 400
    for number in range(3, total + 1):
        write(process, id=str(number), chat="room", text=f"message {number}")
        if number in (100, 200, 300):
            home.kill_router()
            home.start_router()
    acknowledged = set()
    while len(acknowledged) < total - 2:
        line = lines.next()
        if line["did"] == "acknowledged":
            acknowledged.add(line["id"])
    write(process, id="1", chat="room", text="the first again")
    lines.until(lambda line: line.get("id") == "1")

    stored = events(home)
    wanted = [f"lines:{number}" for number in range(1, total + 1)]
    admitted = [key for key in stored if key != "lines:2"]
    check(len(admitted) == len(set(admitted)), "an event was stored twice")
    check(set(admitted) == set(wanted) - {"lines:2"}, f"{len(admitted)} of {total - 1} events are stored")

    process.stdin.close()
    check(process.wait(PATIENCE) == 0, "the adapter did not end well")


def refusals(home):
    """A wrong key, and a second process, are refused by name."""
    wrong = subprocess.run(
        [sys.executable, HERE / "pyzmq_adapter.py"], env={**home.environment, "SWITCHBOARD_SOURCE_KEY": "0" * 64},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
    check("refused: source-key" in wrong.stderr, f"a wrong key: {wrong.stderr}")
    first, lines = home.start(HERE / "pyzmq_adapter.py")
    lines.until(lambda line: line["did"] == "welcomed")
    second = subprocess.run(
        [sys.executable, HERE / "pyzmq_adapter.py"], env=home.environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=PATIENCE)
    check("refused: source-taken" in second.stderr and str(first.pid) in second.stderr, f"a second: {second.stderr}")
    first.stdin.close()
    check(first.wait(PATIENCE) == 0, "the first did not end well")


def example(home):
    """The program that PROTOCOL.md shows, as it stands there."""
    page = (HERE.parent.parent / "adapters" / "PROTOCOL.md").read_text()
    program = home.path / "example.py"
    program.write_text(re.search(r"```python\n(.*?)```", page, re.S).group(1))
    process, lines = home.start(program)
    process.stdin.write("one\ntwo\n")
    process.stdin.flush()
    code, output, errors = 1, "", ""
    end = time.monotonic() + PATIENCE
    while code != 0:  # until it is welcomed and the chat is known, the command says so
        code, output, errors = home.ask("send", "lines:stdin", "to the example")
        check(code == 0 or time.monotonic() < end, f"send: {errors}")
    check(lines.until(lambda line: "stdin" in line) == "stdin to the example", "the example printed something else")
    process.stdin.close()
    check(process.wait(PATIENCE) == 0, "the example did not end well")
    check(len([key for key in events(home) if key.startswith("lines:lines/")]) == 2, "the example's lines are not stored")


def main():
    failed = 0
    with tempfile.TemporaryDirectory(prefix="switchboard-interop-") as folder:
        home = Home(folder)
        for step in (whole, refusals, example):
            try:
                step(home)
                print(f"ok      {step.__name__}: {step.__doc__.splitlines()[0]}")
            except (AssertionError, queue.Empty, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"FAILED  {step.__name__}: {error!r}")
                print((home.path / "router.log").read_text()[-2000:])
        if home.router:
            home.router.terminate()
            home.router.wait(PATIENCE)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
