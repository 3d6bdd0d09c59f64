#!/usr/bin/python3
"""A fake of beegfs-mgmtd, beegfs-meta or beegfs-storage, whichever it is called; for tests.

Reads what the real one reads, listens where it listens, and does nothing with files. The management service remembers who has
registered with it and knew the shared secret; the others register before they listen.
"""

import hashlib
import os
import pathlib
import socket
import socketserver
import sqlite3
import ssl
import stat
import sys
import threading
import time
import tomllib

KIND = pathlib.Path(sys.argv[0]).name.removeprefix("beegfs-")
PORTS = {"mgmtd": 8008, "meta": 8005, "storage": 8003}
DIRECTORY_KEYS = {"meta": "storeMetaDirectory", "storage": "storeStorageDirectory"}


def proof(path):
    """What shows that one knows the shared secret; others than root must not be able to."""
    if stat.S_IMODE(os.stat(path).st_mode) & 0o077:
        sys.exit(f"{path}: others may read the shared secret")
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def serve(port, answer, context=None):
    """Answers each line of each connection; returns at once."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            try:
                for line in self.rfile:
                    self.wfile.write(f"{answer(line.decode().split())}\n".encode())
            except OSError:
                pass

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

        def get_request(self):
            connection, address = super().get_request()
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True)
            return connection, address

    server = Server(("", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def notify_ready():
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(b"READY=1", address.replace("@", "\0", 1))


def management():
    config = tomllib.loads(pathlib.Path("/etc/beegfs/beegfs-mgmtd.toml").read_text(encoding="utf-8"))
    database = pathlib.Path(config.get("db-file", "/var/lib/beegfs/mgmtd.sqlite"))
    if "--init" in sys.argv:
        database.parent.mkdir(parents=True, exist_ok=True)
        with sqlite3.connect(database) as connection:
            connection.execute("CREATE TABLE nodes (kind TEXT, host TEXT, PRIMARY KEY (kind, host))")
        print(f"Created new database at {database}.")
        return
    if not database.exists():
        sys.exit(f"{database}: there is no database; make one with --init")
    secret = proof(config["auth-file"])
    license_file = pathlib.Path(config.get("license-cert-file", "/etc/beegfs/license.pem"))
    if license_file.exists() and not license_file.read_text(encoding="ascii").startswith("-----BEGIN CERTIFICATE-----"):
        sys.exit(f"{license_file}: this is no license")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(config["tls-cert-file"], config["tls-key-file"])
    lock = threading.Lock()

    def answer(words):
        if len(words) < 2 or words[1] != secret:
            return "denied"
        with lock, sqlite3.connect(database) as connection:
            if words[0] == "register":
                connection.execute("INSERT OR IGNORE INTO nodes VALUES (?, ?)", words[2:4])
                return "registered"
            return " ".join(f"{kind}:{host}" for kind, host in connection.execute("SELECT * FROM nodes ORDER BY kind, host"))

    serve(config.get("beemsg-port", PORTS["mgmtd"]), answer)
    serve(config.get("grpc-port", 8010), answer, context)
    notify_ready()


def target():
    files = [word.removeprefix("cfgFile=") for word in sys.argv if word.startswith("cfgFile=")]
    lines = pathlib.Path(files[0]).read_text(encoding="utf-8").splitlines()
    config = dict(map(str.strip, line.split("=", 1)) for line in lines if "=" in line and not line.startswith("#"))
    directory = pathlib.Path(config[DIRECTORY_KEYS[KIND]])
    if not (directory / "format.conf").exists():
        sys.exit(f"{directory}: not initialized, and storeAllowFirstRunInit is {config.get('storeAllowFirstRunInit')}")
    line = f"register {proof(config['connAuthFile'])} {KIND} {socket.gethostname()}\n"
    while True:
        try:
            with socket.create_connection((config["sysMgmtdHost"], PORTS["mgmtd"]), timeout=5) as connection:
                connection.sendall(line.encode())
                said = connection.makefile().readline().strip()
        except OSError as error:
            print(f"waiting for the management service: {error}", flush=True)
        else:
            if said != "registered":
                sys.exit(f"the management service says {said}")
            break
        time.sleep(1)
    serve(PORTS[KIND], lambda words: "here")


if __name__ == "__main__":
    management() if KIND == "mgmtd" else target()
    while "--init" not in sys.argv:
        time.sleep(3600)
