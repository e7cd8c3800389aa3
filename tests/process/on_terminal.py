#!/usr/bin/env python3
"""Runs a program on a terminal of its own and relays: stdin is what is typed, stdout what is shown.

  tests/process/on_terminal.py PROGRAM [ARG…]

The exit status is the program's. 80 columns, 24 lines.
"""

import fcntl
import os
import pty
import select
import struct
import sys
import termios


def main():
    child, master = pty.fork()
    if child == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    watched = [master, 0]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if master in ready:
            try:
                shown = os.read(master, 65536)
            except OSError:  # the program has closed the terminal
                shown = b""
            if not shown:
                break
            os.write(1, shown)
        if 0 in ready:
            typed = os.read(0, 65536)
            if typed:
                os.write(master, typed)
            else:
                watched.remove(0)
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)


main()
