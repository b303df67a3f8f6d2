"""Lets rsyslog read a file of numbers and send each as an event, until all are there.

usage: rsyslog.py ROOT MODULES URL USER PASSWORD EVENTS
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request

root, modules, url, user, password, events = sys.argv[1:]
host, port = url.removeprefix("http://").split(":")
folder = pathlib.Path.cwd()
numbers, rules = folder / "numbers.log", folder / "rsyslog.conf"
numbers.write_text("".join(f"{n}\n" for n in range(int(events))))
rules.write_text(f"""
global(workDirectory="{folder}")
module(load="imfile")
module(load="omelasticsearch")
template(name="event" type="string" string="{{\\"service\\":\\"rsyslog\\",\\"n\\":%msg%}}")
template(name="id" type="string" string="rsyslog-%msg%")
input(type="imfile" File="{numbers}" Tag="shop" readMode="0")
action(type="omelasticsearch" server="{host}" serverport="{port}" uid="{user}" pwd="{password}"
       searchIndex="rsyslog-logs" searchType="" template="event" bulkmode="on" writeoperation="create"
       bulkid="id" dynbulkid="on" errorfile="{folder}/errors.log"
       action.resumeRetryCount="-1" action.resumeInterval="1" queue.type="LinkedList" queue.dequeueBatchSize="100")
""")
libraries = str(pathlib.Path(modules).parent)
process = subprocess.Popen(
    [f"{root}/usr/sbin/rsyslogd", "-n", "-f", str(rules), "-i", str(folder / "rsyslog.pid"), "-M", modules],
    env={**os.environ, "LD_LIBRARY_PATH": libraries},
)
login = base64.b64encode(f"{user}:{password}".encode()).decode()
request = urllib.request.Request(f"{url}/_cat/count?format=json&h=count", headers={"Authorization": f"Basic {login}"})
try:
    while process.poll() is None:
        try:
            count = int(json.load(urllib.request.urlopen(request))[0]["count"])
        except (urllib.error.URLError, ConnectionError):
            count = 0
        if count >= int(events):
            sys.exit(0)
        time.sleep(0.2)
    sys.exit(f"rsyslog ended with {process.returncode}")
finally:
    process.terminate()
    process.wait()
