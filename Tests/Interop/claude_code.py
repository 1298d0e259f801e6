"""The real Claude Code with the plugin: installed, connected, its hooks heard, a message pulled and answered.

What is not shown here: the push of channel notifications. Claude Code asks its maker's servers whether channels are
switched on, and there are none on loopback; `inbox` is the way in that needs no switch.
"""

import fcntl
import importlib.util
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import urllib.request

from messages_api import MessagesAPI

PROGRAM, ROOT = sys.argv[1], sys.argv[2]
CLAUDE = str(pathlib.Path(importlib.util.find_spec("claude_agent_sdk").origin).parent / "_bundled" / "claude")
TOOL = "mcp__plugin_switchboard_switchboard__"
PATIENCE = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def last_blocks(request):
    """What was said since the model spoke last; Claude Code adds messages of its own."""
    blocks = []
    for message in reversed(request["messages"]):
        if message["role"] == "assistant":
            break
        content = message["content"]
        blocks = ([{"type": "text", "text": content}] if isinstance(content, str) else content) + blocks
    return blocks


def results_of(api):
    return [r for r in api.requests if any(block.get("type") == "tool_result" for block in last_blocks(r))]


def model(request):
    """Pulls the inbox when it is asked to, answers the first message it finds, and is done."""
    tools = {tool["name"] for tool in request.get("tools", [])}
    blocks = last_blocks(request)
    results = [json.dumps(block.get("content")) for block in blocks if block.get("type") == "tool_result"]
    use = {"type": "tool_use", "id": f"toolu_{time.time_ns()}"}
    if results:
        chat = re.search(r'chat_id\W+(webhook:[a-z]+)', results[0])
        if chat and "build failed" in results[0]:
            return [{**use, "name": TOOL + "reply", "input": {"chat_id": chat.group(1), "text": "looking into it"}}]
        return [{"type": "text", "text": "all done"}]
    if any("look into the inbox" in block.get("text", "") for block in blocks) and TOOL + "inbox" in tools:
        return [{**use, "name": TOOL + "inbox", "input": {}}]
    return [{"type": "text", "text": "ready"}]


class Terminal:
    """Claude Code in a terminal of its own; what it shows is read all the time, or it would stand still."""

    def __init__(self, arguments, environment, folder):
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(CLAUDE, [CLAUDE, *arguments], environment)
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        self.bytes = b""
        self.changed = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            try:
                chunk = os.read(self.file, 65536)
            except OSError:
                chunk = b""
            with self.changed:
                self.bytes += chunk
                self.changed.notify_all()
            if not chunk:
                return

    @property
    def text(self):
        """Without escape sequences and white space: the screen is drawn in pieces."""
        clean = re.sub(rb"\x1b\[[0-9;?>]*[a-zA-Z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.", b"", self.bytes)
        return re.sub(r"\s", "", clean.decode(errors="replace"))

    def wait(self, words):
        wanted = re.sub(r"\s", "", words)
        with self.changed:
            if not self.changed.wait_for(lambda: wanted in self.text, PATIENCE):
                raise AssertionError(f"the terminal never showed {words!r}; it ends with {self.text[-1500:]!r}")

    def type(self, text):
        os.write(self.file, text.encode())

    def end(self):
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)


def main():
    home = tempfile.mkdtemp(prefix="switchboard-claude-")
    project = os.path.join(home, "project")
    os.makedirs(project)
    port = free_port()
    pathlib.Path(home, "switchboard").mkdir(mode=0o700)
    pathlib.Path(home, "switchboard", "switchboard.yaml").write_text(
        f'adapters: {{ webhook: {{ listen: "127.0.0.1:{port}" }} }}\n'
    )
    api = MessagesAPI(model)
    key = "sk-ant-api03-" + "x" * 80
    settings = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": [key[-20:]], "rejected": []},
        "projects": {project: {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}},
    }
    pathlib.Path(home, ".claude.json").write_text(json.dumps(settings))
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CLAUDE", "ANTHROPIC", "SWITCHBOARD", "XDG_"))
    }
    environment |= {
        "HOME": home,
        "SWITCHBOARD_HOME": os.path.join(home, "switchboard"),
        "SWITCHBOARD_PROGRAM": PROGRAM,
        "ANTHROPIC_BASE_URL": api.url,
        "ANTHROPIC_API_KEY": key,
        "DISABLE_AUTOUPDATER": "1",
        "TERM": "xterm-256color",
        "IS_SANDBOX": "1",
    }

    def run(*command, check=True):
        done = subprocess.run(command, env=environment, cwd=project, capture_output=True, text=True, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def switchboard(*arguments):
        return json.loads(run(PROGRAM, *arguments, "--json"))

    def eventually(what, condition):
        end = time.monotonic() + PATIENCE
        pause = threading.Event()
        while time.monotonic() < end:
            value = condition()
            if value:
                return value
            pause.wait(0.2)
        raise AssertionError(f"never: {what}")

    passed = []
    terminal = None
    try:
        print("claude", run(CLAUDE, "--version").strip())

        # The plugin and its marketplace, as the program's own validator judges them: no warning either.
        run(CLAUDE, "plugin", "validate", "--strict", ROOT)
        run(CLAUDE, "plugin", "validate", "--strict", "--profile", "directory", os.path.join(ROOT, "config/claude-plugin"))
        passed.append("plugin and marketplace are valid, without warnings")

        run(CLAUDE, "plugin", "marketplace", "add", ROOT)
        run(CLAUDE, "plugin", "install", "switchboard@switchboard")
        passed.append("the plugin installs from a checkout, offline")

        run(PROGRAM, "up", "--detach")
        listed = run(CLAUDE, "mcp", "list")
        assert re.search(r"plugin:switchboard:switchboard: .*mcp - \S+ Connected", listed), listed
        passed.append("`claude mcp list` shows the server connected")

        request = urllib.request.Request(f"http://127.0.0.1:{port}/hooks/ci", b"build failed")
        urllib.request.urlopen(request).read()
        history = switchboard("history")
        taken = [d for d in history["events"][0]["deliveries"] if d["state"] not in ("stored", "held", "waiting")]
        assert not taken, taken
        passed.append("the handshake of `claude mcp list` took no message")

        terminal = Terminal(["--debug"], environment, project)
        terminal.wait("shift+tab to cycle")
        eventually("the session attached", lambda: [
            s for s in switchboard("sessions")["sessions"] if s["state"] != "away" and s["label"] == "project"
        ])
        terminal.type("look into the inbox")
        terminal.type("\r")
        reply = eventually("the reply", lambda: switchboard("history").get("replies"))
        assert reply[0]["text"] == "looking into it", reply
        passed.append("a typed prompt pulled the message and answered it, and no permission was asked for our tools")
        delivery = switchboard("history")["events"][0]["deliveries"][0]
        assert delivery["state"] in ("answered", "done"), delivery
        eventually("the second result", lambda: len(results_of(api)) >= 2)
        used = results_of(api)
        assert len(used) == 2, f"{len(used)} tool results"

        # The prompt, two tools begun and ended, the end of the turn: as calls of a tool over the server's connection.
        hooks = eventually(
            "six hooks", lambda: (lambda count: count >= 6 and count)(switchboard("status")["counters"].get("hooks", 0))
        )
        passed.append(f"its hooks reached the router: {hooks}")
        assert "hookfailed" not in terminal.text.lower() and "hookerror" not in terminal.text.lower(), terminal.text[-1500:]
        passed.append("no hook disturbed the session")

        # A router that is gone disturbs nobody.
        run(PROGRAM, "up", "--stop")
        before = len(api.requests)
        terminal.type("hello")
        terminal.type("\r")
        eventually("an answer without a router", lambda: len(api.requests) > before)
        assert "hookfailed" not in terminal.text.lower(), terminal.text[-1500:]
        passed.append("without a router Claude Code goes on as ever")
    except Exception:
        if terminal:
            print("the terminal shows:", terminal.text[-1500:])
        for request in api.requests:
            names = [tool["name"] for tool in request.get("tools", []) if "switchboard" in tool["name"]]
            print("asked:", json.dumps(last_blocks(request))[-600:], names)
        raise
    finally:
        if terminal:
            terminal.end()
        run(PROGRAM, "up", "--stop", check=False)
        subprocess.run(["rm", "-rf", home])
    for line in passed:
        print("ok", line)


main()
