#!/usr/bin/env python3
"""Writes COUNT different pushes with their signatures: "signature<TAB>body" per line."""
import hashlib
import hmac
import json
import sys

path, count = sys.argv[1], int(sys.argv[2])
with open(path, "w") as file:
    for number in range(count):
        body = json.dumps({
            "ref": "refs/heads/main", "after": f"{number:040x}", "compare": f"https://example.org/{number}",
            "repository": {"full_name": "acme/api"}, "pusher": {"name": "ann"}, "sender": {"login": "ann"},
            "commits": [{"id": f"{number:040x}", "message": "Make the build green again"}],
            "head_commit": {"id": f"{number:040x}", "message": "Make the build green again"},
        })
        print(hmac.new(b"secret", body.encode(), hashlib.sha256).hexdigest(), body, sep="\t", file=file)
