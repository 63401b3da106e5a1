"""Runs a program in a terminal of its own, for tests: argv is the program and its arguments.

Lines on standard input say what the person does:
  type BASE64           keys
  resize COLUMNS ROWS   the window gets another size
What the program writes to its terminal goes to standard output as it is. When the program has ended, the last line of
standard error is one JSON object: its exit code (128 + signal), and whether the terminal is again as it
was: it echoes, edits lines and ends them.
"""

import base64
import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios


def resize(terminal, columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def start(argv):
    master, slave = pty.openpty()
    resize(master, 80, 24)
    pid = os.fork()
    if pid == 0:
        os.close(master)
        login(slave)
        os.execvp(argv[0], argv)
    # Kept open: the terminal and its settings outlive the program.
    return pid, master, slave


def login(slave):
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for descriptor in range(3):
        os.dup2(slave, descriptor)


def obey(line, master):
    verb, *words = line.split()
    if verb == b"type":
        os.write(master, base64.b64decode(words[0]))
    else:
        resize(master, int(words[0]), int(words[1]))


def serve(pid, master):
    """Until the program has ended; answers how."""
    pending = b""
    inputs = [0, master]
    while True:
        readable = select.select(inputs, [], [], 0.05)[0]
        if master in readable:
            os.write(1, os.read(master, 65536))
        if 0 in readable:
            chunk = os.read(0, 65536)
            if not chunk:
                inputs.remove(0)
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                obey(line, master)
        if not readable:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return status


def main():
    pid, master, slave = start(sys.argv[1:])
    print(json.dumps({"pid": pid}), file=sys.stderr, flush=True)
    code = os.waitstatus_to_exitcode(serve(pid, master))
    _, output, _, local, *_ = termios.tcgetattr(slave)
    sane = bool(output & termios.OPOST and local & termios.ECHO and local & termios.ICANON and local & termios.ISIG)
    print(json.dumps({"code": code if code >= 0 else 128 - code, "sane": sane}), file=sys.stderr)


main()
