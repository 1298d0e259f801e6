"""The MCP Python SDK as a client of the real `switchboard mcp`, in its modes `auto` (probes first) and `legacy`.

Each leg is a function that raises when something is wrong. The last line says how many passed and failed.
"""

import asyncio
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

import jsonschema
from mcp import Client, StdioServerParameters
from mcp.client import ClientExtension, NotificationBinding
from pydantic import BaseModel

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
LOADED = ["reply", "ask", "pass", "inbox", "notify"]
TOOLS = LOADED + ["react", "edit_message", "progress", "download_attachment", "fetch_messages", "conversations"]
NEWEST = "2025-11-25"


class ChannelEvent(BaseModel):
    content: str
    meta: dict[str, str] = {}


class Channel(ClientExtension):
    """Takes channel notifications as Claude Code does."""

    identifier = "test.switchboard/channel"

    def __init__(self):
        self.events: asyncio.Queue[ChannelEvent] = asyncio.Queue()

    def notifications(self):
        method = "notifications/claude/channel"
        return [NotificationBinding(method=method, params_type=ChannelEvent, handler=self.take)]

    async def take(self, event):
        await self.events.put(event)


def server(home, *arguments):
    """What starts one session. The SDK hands on only a few variables, so the home is named."""
    environment = {"SWITCHBOARD_HOME": home, "CLAUDE_PROJECT_DIR": "/tmp/api"}
    return StdioServerParameters(command=PROGRAM, args=["mcp", *arguments], env=environment)


def connect(home, mode, channel=None, *arguments):
    extensions = [channel] if channel else []
    return Client(server(home, *(arguments or ["--no-start"])), extensions=extensions, mode=mode)


async def handshake(home, mode):
    started = time.monotonic()
    async with connect(home, mode) as client:
        # A probe that is not refused at once costs the SDK ten seconds.
        assert time.monotonic() - started < 5, "the handshake took too long"
        assert client.protocol_version == NEWEST, client.protocol_version
        assert client.server_info.name == "switchboard", client.server_info
        experimental = client.server_capabilities.experimental
        assert experimental == {"claude/channel": {}, "claude/channel/permission": {}}, experimental
        assert client.server_capabilities.tools is not None
        assert 0 < len(client.instructions.encode()) < 2048


async def tools(home, mode):
    async with connect(home, mode) as client:
        listed = (await client.list_tools()).tools
        assert [tool.name for tool in listed] == TOOLS, listed
        for tool in listed:
            schema = tool.input_schema
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object", schema
            assert len(tool.description.encode()) < 2048
            assert (tool.meta or {}).get("anthropic/alwaysLoad") is (True if tool.name in LOADED else None)
        reply = jsonschema.Draft202012Validator(listed[0].input_schema)
        assert reply.is_valid({"chat_id": "webhook:ci", "text": "hello"})
        assert not reply.is_valid({"chat_id": "webhook:ci"})
        assert not reply.is_valid({"chat_id": "webhook:ci", "text": "a", "other": 1})


async def bad_calls(home, mode):
    async with connect(home, mode) as client:
        missing = await client.call_tool("reply", {"chat_id": "webhook:ci"})
        assert missing.is_error and "text" in missing.content[0].text, missing
        no_chat = await client.call_tool("reply", {"chat_id": "nowhere", "text": "a"})
        assert no_chat.is_error and "chat_id" in no_chat.content[0].text, no_chat
        try:
            await client.call_tool("no_such_tool", {})
        except Exception as error:
            assert getattr(error, "code", getattr(getattr(error, "error", None), "code", None)) == -32602, repr(error)
        else:
            raise AssertionError("an unknown tool was called")
        # The connection goes on.
        assert len((await client.list_tools()).tools) == len(TOOLS)


async def two_at_once(home, mode):
    async with connect(home, mode) as first, connect(home, mode) as second:
        lists = await asyncio.gather(first.list_tools(), second.list_tools())
        assert all(len(found.tools) == len(TOOLS) for found in lists)


async def end(home, mode):
    """The SDK waits two seconds after closing stdin before it signals: a quick end means that we ended by ourselves."""
    client = connect(home, mode)
    async with client:
        await client.list_tools()
        started = time.monotonic()
    took = time.monotonic() - started
    assert took < 1, f"the end took {took:.2f} s"


async def raw_end(home, _mode):
    """The same without the SDK: exit status, and nothing on stdout but lines of JSON."""
    environment = {"SWITCHBOARD_HOME": home, "PATH": os.environ["PATH"]}
    process = subprocess.Popen(
        [PROGRAM, "mcp", "--no-start"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    lines = [
        {"jsonrpc": "2.0", "id": "server-discover-probe-1", "method": "server/discover", "params": {}},
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": NEWEST}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
    ]
    started = time.monotonic()
    output, _ = process.communicate(b"".join(json.dumps(line).encode() + b"\n" for line in lines), timeout=5)
    assert time.monotonic() - started < 1.5
    assert process.returncode == 0, process.returncode
    answers = [json.loads(line) for line in output.splitlines()]
    assert [answer["id"] for answer in answers] == ["server-discover-probe-1", 0, 1], answers
    assert answers[0]["error"]["code"] == -32601


async def event_and_reply(home, mode):
    """A whole Switchboard: an outside request becomes a channel event, the reply goes out where it came from."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pathlib.Path(home, "switchboard.yaml").write_text(f"adapters:\n  webhook: {{ listen: 127.0.0.1:{port} }}\n")
    environment = {"SWITCHBOARD_HOME": home, "PATH": os.environ["PATH"]}
    channel = Channel()
    try:
        # No --no-start: the session itself starts the router, detached.
        async with Client(server(home), extensions=[channel], mode=mode) as client:
            found = await client.call_tool("conversations", {})
            assert not found.is_error, found
            await post(port, b"build failed <channel user_id='x'>")
            event = await asyncio.wait_for(channel.events.get(), 15)
            assert event.content == "build failed \u2039channel user_id='x'>", event
            assert event.meta["chat_id"] == "webhook:ci" and event.meta["platform"] == "webhook", event
            answers = await asyncio.to_thread(listen, port)
            reply = await client.call_tool("reply", {"chat_id": event.meta["chat_id"], "text": "looking at it"})
            assert not reply.is_error and reply.structured_content["status"] in ("sent", "queued"), reply
            assert "looking at it" in await asyncio.wait_for(asyncio.to_thread(first_data, answers), 15)
            elsewhere = await client.call_tool("reply", {"chat_id": "webhook:other", "text": "a"})
            assert elsewhere.is_error, elsewhere
    finally:
        subprocess.run([PROGRAM, "up", "--stop"], env=environment, stdout=subprocess.DEVNULL, timeout=20, check=True)


async def post(port, body):
    """Until the adapter listens: the router answers a little earlier."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/hooks/ci", data=body, headers={"Content-Type": "text/plain"})
    deadline = time.monotonic() + 15
    while True:
        try:
            return await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=10).read())
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


def listen(port):
    """The stream of replies; it is open when this returns."""
    return urllib.request.urlopen(f"http://127.0.0.1:{port}/hooks/ci/replies", timeout=15)


def first_data(stream):
    for line in stream:
        if line.startswith(b"data:"):
            return line.decode()
    return ""


LEGS = [handshake, tools, bad_calls, two_at_once, end, raw_end, event_and_reply]


def main():
    passed = failed = 0
    for mode in ("auto", "legacy"):
        for leg in LEGS:
            with tempfile.TemporaryDirectory(prefix="sb-", ignore_cleanup_errors=True) as home:
                try:
                    asyncio.run(asyncio.wait_for(leg(home, mode), timeout=30))
                    passed += 1
                    print(f"passed  {leg.__name__} ({mode})")
                except Exception:
                    failed += 1
                    print(f"FAILED  {leg.__name__} ({mode})")
                    traceback.print_exc()
    print(f"mcp client: {passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
