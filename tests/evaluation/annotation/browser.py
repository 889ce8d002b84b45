"""A real browser, driven by the WebDriver protocol."""

import base64
import json
import re
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path

DRIVER = shutil.which("chromedriver")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
MISSING = None if DRIVER and BROWSER else "no Chromium with its chromedriver on the PATH"
FLAGS = """
    --headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
    --disable-background-networking --disable-component-update --disable-dev-shm-usage
"""
KEYS = {"left": "\ue012", "right": "\ue014", "escape": "\ue00c", "enter": "\ue007"}
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """A window with its own profile; `close` ends it."""

    def __init__(self, size=(1280, 800)):
        self.profile = tempfile.mkdtemp(prefix="browser-")
        command = [DRIVER, "--port=0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if started := re.search(r"started successfully on port (\d+)", line):
                break
        self.at = f"http://127.0.0.1:{started[1]}/session"
        flags = [*FLAGS.split(), f"--user-data-dir={self.profile}"]
        flags.append(f"--window-size={size[0]},{size[1]}")
        options = {"binary": BROWSER, "args": flags}
        wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
        try:
            session = self.call("POST", "", {"capabilities": wanted})["sessionId"]
        except BaseException:
            self._end()
            raise
        self.at += f"/{session}"

    def call(self, method, path, body=None):
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.at + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"].split("\n")[0]) from None

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """Runs the body of a JavaScript function and returns its value."""
        return self.call("POST", "/execute/sync", {"script": script, "args": arguments})

    def wait(self, condition):
        """Waits until a JavaScript expression is true, for the driver's 30 seconds at most."""
        script = f"""
            const done = arguments[0];
            const look = () => ({condition}) ? done(true) : setTimeout(look, 5);
            look();"""
        return self.call("POST", "/execute/async", {"script": script, "args": []})

    def press(self, *keys):
        """Presses keys one after another, each a name in KEYS or a character."""
        acts = [
            {"type": kind, "value": KEYS.get(key, key)}
            for key in keys
            for kind in ("keyDown", "keyUp")
        ]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": acts}]})

    def click(self, selector):
        found = self.call("POST", "/element", {"using": "css selector", "value": selector})
        self.call("POST", f"/element/{found[ELEMENT]}/click")

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0]).innerText", selector)

    def resize(self, width, height):
        """Sets the size of the page, as on a device of that size."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)

    def dark(self, on=True):
        value = "dark" if on else "light"
        features = [{"name": "prefers-color-scheme", "value": value}]
        self.devtools("Emulation.setEmulatedMedia", {"features": features})

    def devtools(self, command, parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def screenshot(self, path):
        Path(path).write_bytes(base64.b64decode(self.call("GET", "/screenshot")))

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self._end()

    def _end(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.profile, ignore_errors=True)
