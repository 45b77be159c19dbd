"""A wall clock for the stack that a test can move: a preloaded library shifts what the C library tells.

The system's own clock is nobody's to move. A C compiler is needed; the library is thirty lines of C.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *shift;

__attribute__((constructor)) static void begin(void) {
    const char *file = getenv("STEADYCAST_FAULTS_CLOCK");
    int handle = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (handle < 0) return;
    void *seen = mmap(0, sizeof *shift, PROT_READ, MAP_SHARED, handle, 0);
    if (seen != MAP_FAILED) shift = seen;
    close(handle);
}

int clock_gettime(clockid_t which, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(which, now);
    if (!code && shift && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) now->tv_sec += *shift;
    return code;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec found;
    int code = clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return code;
}

time_t time(time_t *where) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (where) *where = found.tv_sec;
    return found.tv_sec;
}
"""


class Clock:
    """The shifted clock of one stand.

    Args:
        folder: where the library and the shift are.
    """

    def __init__(self, folder: Path) -> None:
        self._file, self._library = folder / "shift", folder / "clock.so"
        self._seconds = 0
        self.compiler = shutil.which("cc") or shutil.which("gcc")
        folder.mkdir(parents=True, exist_ok=True)
        self._file.write_bytes(struct.pack("q", 0))
        if self.compiler:
            source = folder / "clock.c"
            source.write_text(SOURCE)
            command = [
                self.compiler,
                "-O2",
                "-shared",
                "-fPIC",
                "-o",
                str(self._library),
                str(source),
                "-ldl",
            ]
            subprocess.run(command, check=True, capture_output=True)

    @property
    def environment(self) -> dict[str, str]:
        """What the stack's processes need; empty without a compiler."""
        if not self.compiler:
            return {}
        return {"LD_PRELOAD": str(self._library), "STEADYCAST_FAULTS_CLOCK": str(self._file)}

    @property
    def seconds(self) -> int:
        """How far the stack's clock is ahead of ours."""
        return self._seconds

    def jump(self, seconds: float) -> None:
        """Move the clock of all processes, from this moment on."""
        self._seconds += round(seconds)
        # in place: the processes have the file mapped
        with self._file.open("r+b") as handle:
            handle.write(struct.pack("q", self._seconds))
