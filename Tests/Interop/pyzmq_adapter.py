#!/usr/bin/env python3
"""An adapter written from adapters/PROTOCOL.md alone, with pyzmq: proof that the page is enough.

It is a whole one: it survives a restart of the router, resends what was not acknowledged, keeps to its credit,
carries a key out once, and stops with its input. Each line of standard input is one message:

    {"id": "1", "chat": "room", "text": "hello"}

and each line of standard output says what happened: welcomed, acknowledged, refused, sent, lost.
"""
import collections
import json
import os
import secrets
import sys
import time

import zmq

SILENCE, HEARTBEAT = 10.0, 2.0
REMEMBERED_KEYS = 4096
FINAL = {"source-taken", "fenced", "source-key", "source-name", "role", "not-allowed", "version"}


def tell(**what):
    print(json.dumps(what), flush=True)


class Adapter:
    def __init__(self):
        self.home = os.environ["SWITCHBOARD_HOME"]
        self.source = os.environ.get("SWITCHBOARD_SOURCE", "lines")
        self.key = os.environ.get("SWITCHBOARD_SOURCE_KEY") or self.read_key()
        self.instance = secrets.token_hex(8)
        self.context = zmq.Context()
        self.socket = None
        self.input = open(0, "rb", buffering=0)  # a buffer would hide lines from the poller
        self.epoch = None
        self.sequence = 0
        self.unacknowledged = collections.OrderedDict()  # sequence -> (command, header, payloads)
        self.sent_on_link = 0       # the highest sequence that this link has
        self.credit = {"events": 0, "bytes": 0}
        self.expected_command = 1
        self.outcomes = collections.OrderedDict()
        self.cursor = 0
        self.heard = self.said = time.monotonic()
        self.retry = 0.05
        self.ended = False

    def read_key(self):
        with open(f"{self.home}/state/keys/{self.source}.key") as file:
            return file.read().strip()

    # The link

    def open(self):
        if self.socket is not None:
            self.poller.unregister(self.socket)
            self.socket.close(linger=0)
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(f"ipc://{self.home}/run/router.sock")
        self.poller.register(self.socket, zmq.POLLIN)
        self.epoch, self.expected_command, self.sent_on_link = None, 1, 0
        self.heard = time.monotonic()
        first = next(iter(self.unacknowledged), self.sequence + 1)
        self.say("HELLO", {
            "v": 1, "role": "adapter", "name": self.source, "program": "pyzmq_adapter 1", "instance": self.instance,
            "pid": os.getpid(), "next": first, "key": self.key, "abilities": {"verbs": ["send"]}})

    def lose(self, why):
        tell(did="lost", why=why)
        time.sleep(self.retry)  # the wait of section 3; nothing else can be done without a link
        self.retry = min(self.retry * 2, 2.0)
        self.open()

    def say(self, command, header, *payloads):
        parts = [command.encode()] + [json.dumps(part, ensure_ascii=False).encode() for part in (header, *payloads)]
        try:
            self.socket.send_multipart(parts, zmq.NOBLOCK)
        except zmq.Again:
            pass  # the silence of the router, which follows, opens a new link and sends it again
        self.said = time.monotonic()

    def number(self, command, header, *payloads):
        self.sequence += 1
        self.unacknowledged[self.sequence] = (command, header, payloads)

    def flush(self):
        """Sends what this link has not seen yet, in order, as far as credit goes."""
        if self.epoch is None:
            return
        events = size = 0
        for sequence, (command, header, payloads) in self.unacknowledged.items():
            if command == "PUBLISH":
                events += max(len(payloads), 1)
                size += sum(len(json.dumps(payload)) for payload in payloads)
            if sequence <= self.sent_on_link:
                continue
            if command == "PUBLISH" and (events > self.credit["events"] or size > self.credit["bytes"]):
                return
            self.say(command, {"epoch": self.epoch, "seq": sequence, **header}, *payloads)
            self.sent_on_link = sequence

    # What comes

    def hear(self, command, header, payloads):
        self.heard = time.monotonic()
        if command == "WELCOME":
            self.epoch, self.credit = header["epoch"], header["credit"]
            self.cursor = header.get("cursor") or 0
            tell(did="welcomed", epoch=self.epoch, cursor=self.cursor, settings=header.get("settings"))
            self.say("HEALTH", {"epoch": self.epoch, "state": "up"})
        elif command == "BYE":
            if header["code"] in FINAL:
                sys.exit(f"refused: {header['code']}: {header['message']}")
            self.lose(header["code"])
        elif command == "RESET":
            self.lose(f"reset {header['reason']}")
        elif self.epoch is None:
            return  # nothing has a meaning before WELCOME
        elif command == "ACK":
            self.acknowledged(header)
        elif command == "COMMAND":
            self.commanded(header, payloads)
        elif command == "ERROR":
            tell(did="error", code=header["code"], command=header["command"])

    def acknowledged(self, header):
        self.retry = 0.05
        self.credit = header.get("credit", self.credit)
        refused = {(item["seq"], item["index"]): item["code"] for item in header.get("refused", [])}
        while self.unacknowledged and next(iter(self.unacknowledged)) <= header["seq"]:
            sequence, (command, content, _) = self.unacknowledged.popitem(last=False)
            for index, event in enumerate(content.get("events", [])):
                code = refused.get((sequence, index))
                tell(did="refused" if code else "acknowledged", id=event["id"], **({"code": code} if code else {}))

    def commanded(self, header, payloads):
        if header["seq"] < self.expected_command:
            return
        if header["seq"] > self.expected_command:
            return self.lose("gap")
        self.expected_command += 1
        key = header["key"]
        outcome = self.outcomes.get(key)
        if outcome is None:
            outcome = self.execute(header, payloads[0])
            self.outcomes[key] = outcome
            if len(self.outcomes) > REMEMBERED_KEYS:
                self.outcomes.popitem(last=False)
        self.say("ACK", {"epoch": self.epoch, "seq": header["seq"]})
        self.number("RESULT", {"key": key, **outcome})

    def execute(self, header, arguments):
        if header["verb"] != "send":
            return {"outcome": "rejected", "reason": f"cannot {header['verb']}"}
        tell(did="sent", chat=header["chat"], text=arguments["text"])
        return {"outcome": "sent", "ids": [f"out-{len(self.outcomes) + 1}"]}

    # The platform: standard input

    def read_line(self):
        line = self.input.readline()
        if not line:
            self.ended = True
            return
        message = json.loads(line)
        self.cursor += 1
        head = {"id": message["id"], "chat": message["chat"], "from": message.get("from", "owner"),
                "time": int(time.time() * 1000)}
        if "auth" in message:
            head["auth"] = message["auth"]
        self.number("PUBLISH", {"cursor": self.cursor, "events": [head]}, {"text": message["text"]})

    def watch_input(self, wants):
        if wants and self.input not in self.poller:
            self.poller.register(self.input, zmq.POLLIN)
        elif not wants and self.input in self.poller:
            self.poller.unregister(self.input)

    def run(self):
        self.poller = zmq.Poller()
        self.open()
        while not (self.ended and not self.unacknowledged):
            # Backpressure: without a link or with a full window standard input is not read.
            window = max(self.credit["events"], 1)
            self.watch_input(not self.ended and self.epoch is not None and len(self.unacknowledged) < window)
            ready = dict(self.poller.poll(500))
            if self.input.fileno() in ready:
                self.read_line()
            if self.socket in ready:
                command, header, *payloads = self.socket.recv_multipart()
                self.hear(command.decode(), json.loads(header), [json.loads(payload) for payload in payloads])
            self.flush()
            now = time.monotonic()
            if now - self.heard > SILENCE:
                self.lose("silence")
            elif self.epoch is not None and now - self.said > HEARTBEAT:
                self.say("HEARTBEAT", {"epoch": self.epoch})
        self.say("BYE", {"code": "shutting-down", "message": "end of input"})
        self.socket.close(linger=500)


if __name__ == "__main__":
    Adapter().run()
