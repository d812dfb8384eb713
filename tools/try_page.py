#!/usr/bin/env python3
"""Drops two photos onto the page of a running `adaptiveface serve` in a real browser and reads the verdict.

    tools/try_page.py URL PHOTO PHOTO [--size 390x844] [--dark] [--shot OUT.png]

Needs chromedriver and a Chromium (Debian: chromium-driver, chromium); nothing but the standard library of Python. Prints the verdict
and the line below it; exit code 1 when no verdict comes, the faces are not shown, or the page complains about anything.
"""
import argparse
import base64
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

DROP = """
const [side, name, data] = arguments;
const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
const files = new DataTransfer();
files.items.add(new File([bytes], name, {type: 'image/jpeg'}));
const target = document.getElementById('drop-' + side);
for (const kind of ['dragenter', 'dragover', 'drop']) {
  target.dispatchEvent(new DragEvent(kind, {dataTransfer: files, bubbles: true, cancelable: true}));
}
"""
READ = """
const image = (id) => { const i = document.getElementById(id); return i.complete ? i.naturalWidth : 0; };
return {verdict: document.getElementById('verdict').textContent, kind: document.getElementById('verdict').className,
        score: document.getElementById('score').textContent, chips: [image('chip-a'), image('chip-b')],
        wide: document.documentElement.scrollWidth > document.documentElement.clientWidth};
"""


class Browser:
    def __init__(self, size, dark):
        self.port = 9517
        self.driver = subprocess.Popen(["chromedriver", f"--port={self.port}", "--silent"])
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={size.replace('x', ',')}"]
        if dark:
            arguments.append("--blink-settings=preferredColorScheme=0")
        options = {"args": arguments}
        for _ in range(100):
            try:
                made = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
                    "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        self.session = "/session/" + made["sessionId"]

    def ask(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def run(self, script, *values):
        return self.ask("POST", self.session + "/execute/sync", {"script": script, "args": list(values)})

    def close(self):
        if hasattr(self, "session"):
            self.ask("DELETE", self.session)
        self.driver.terminate()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("photos", nargs=2)
    parser.add_argument("--size", default="900x900")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--shot")
    flags = parser.parse_args()
    browser = Browser(flags.size, flags.dark)
    try:
        browser.ask("POST", browser.session + "/url", {"url": flags.url})
        for side, photo in zip("ab", flags.photos):
            with open(photo, "rb") as file:
                browser.run(DROP, side, photo, base64.b64encode(file.read()).decode())
        for _ in range(200):
            page = browser.run(READ)
            if page["kind"] or min(page["chips"]) > 0:
                break
            time.sleep(0.1)
        if flags.shot:
            with open(flags.shot, "wb") as file:
                file.write(base64.b64decode(browser.ask("GET", browser.session + "/screenshot")))
        complaints = browser.ask("POST", browser.session + "/se/log", {"type": "browser"})
    finally:
        browser.close()
    print(page["verdict"])
    print(page["score"])
    for complaint in complaints:
        print("complaint:", complaint["message"])
    if page["wide"]:
        print("complaint: the page is wider than the window")
    return 0 if page["verdict"] and min(page["chips"]) > 0 and not complaints and not page["wide"] else 1


if __name__ == "__main__":
    sys.exit(main())
