// Preloaded into an agent: its clock of the day jumps by the seconds in the file that
// $SEXTANT_TEST_CLOCK names. A timer on that clock ends the process.
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const auto result = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  if (result != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return result;
  const char* path = std::getenv("SEXTANT_TEST_CLOCK");
  std::FILE* file = path != nullptr ? std::fopen(path, "re") : nullptr;
  if (file == nullptr) return result;
  long jump = 0;
  if (std::fscanf(file, "%ld", &jump) == 1) time->tv_sec += jump;
  (void)std::fclose(file);
  return result;
}

extern "C" int timerfd_create(int clock, int flags) noexcept {
  if (clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME) {
    (void)std::fputs("a timer on a clock that jumps\n", stderr);
    std::abort();
  }
  return static_cast<int>(::syscall(SYS_timerfd_create, clock, flags));
}
