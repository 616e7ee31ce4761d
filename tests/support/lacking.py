"""Runs a program as on a kernel that lacks one part of the lockdown: `lacking.py PART PROGRAM
ARGUMENT...`.
"""

import errno
import os
import sys
from typing import Any

import pyseccomp

PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 4, 22, 38
RLIMIT_FSIZE = 1
# (call, its first or second argument if that identifies the part).
CALLS: dict[str, list[tuple[str | int, Any]]] = {
    "limits": [("prlimit64", pyseccomp.Arg(1, pyseccomp.EQ, RLIMIT_FSIZE))],
    "privileges": [("prctl", pyseccomp.Arg(0, pyseccomp.EQ, PR_SET_NO_NEW_PRIVS))],
    "landlock": [
        (444, None)
    ],  # landlock_create_ruleset, which libseccomp 2.5.4 does not know by name
    "seccomp": [("seccomp", None), ("prctl", pyseccomp.Arg(0, pyseccomp.EQ, PR_SET_SECCOMP))],
    "dumps": [("prctl", pyseccomp.Arg(0, pyseccomp.EQ, PR_SET_DUMPABLE))],
}

if __name__ == "__main__":
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
    for call, argument in CALLS[sys.argv[1]]:
        rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), call, *([argument] if argument else []))
    rules.load()
    os.execv(sys.argv[2], sys.argv[2:])
