"""A stand-in for the Messages API: enough for Claude Code, no model. What it answers a function decides."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class MessagesAPI:
    def __init__(self, decide):
        """decide(request) -> list of content blocks: {"type": "text"|"tool_use", …}"""
        self.requests = []
        self.paths = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                api.paths.append(("GET", self.path))
                self.answer(404, b'{"type":"error","error":{"type":"not_found_error","message":"no such path"}}')

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                api.paths.append(("POST", self.path))
                if not self.path.startswith("/v1/messages"):
                    return self.answer(404, b'{"type":"error","error":{"type":"not_found_error","message":"no"}}')
                request = json.loads(body)
                if "count_tokens" in self.path:
                    return self.answer(200, b'{"input_tokens": 10}')
                api.requests.append(request)
                blocks = decide(request)
                stop = "tool_use" if any(b["type"] == "tool_use" for b in blocks) else "end_turn"
                number = len(api.requests)
                message = {
                    "id": f"msg_{number:04}", "type": "message", "role": "assistant", "model": request["model"],
                    "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 10},
                }
                if not request.get("stream"):
                    return self.answer(200, json.dumps({**message, "content": blocks, "stop_reason": stop}).encode())
                events = [("message_start", {"message": {**message, "content": [], "stop_reason": None}})]
                for index, block in enumerate(blocks):
                    if block["type"] == "text":
                        start, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
                    else:
                        start = {**block, "input": {}}
                        delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
                    events += [
                        ("content_block_start", {"index": index, "content_block": start}),
                        ("content_block_delta", {"index": index, "delta": delta}),
                        ("content_block_stop", {"index": index}),
                    ]
                events += [
                    ("message_delta", {"delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": 10}}),
                    ("message_stop", {}),
                ]
                text = "".join(f"event: {n}\ndata: {json.dumps({'type': n, **d})}\n\n" for n, d in events)
                self.answer(200, text.encode(), "text/event-stream")

            def answer(self, status, body, kind="application/json"):
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
