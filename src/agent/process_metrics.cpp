#include "agent/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>

namespace sextant::agent {
namespace {

/// When the process began, in seconds since the epoch: its start after boot (proc(5), field 22 of
/// stat) on top of the boot's time, as the clock has it now.
std::optional<double> start_time() {
  std::string stat;
  std::getline(std::ifstream("/proc/self/stat"), stat);
  const auto name_end = stat.rfind(')');  // the name may hold spaces
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  double ticks = 0;
  if (!(fields >> ticks)) return std::nullopt;
  timespec now{}, since_boot{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
  const auto seconds = [](const timespec& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  };
  return seconds(now) - seconds(since_boot) + ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double cpu_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

}  // namespace

void write_process(MetricText& text) {
  text.counter("process_cpu_seconds_total", "User and system CPU time spent in seconds.",
               cpu_seconds());
  if (const auto start = start_time())
    text.gauge("process_start_time_seconds",
               "Start time of the process since the Unix epoch in seconds.", *start);
  double virtual_pages = 0, resident_pages = 0;
  if (std::ifstream("/proc/self/statm") >> virtual_pages >> resident_pages) {
    const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    text.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.",
               virtual_pages * page);
    text.gauge("process_resident_memory_bytes", "Resident memory size in bytes.",
               resident_pages * page);
  }
  std::error_code error;
  const std::filesystem::directory_iterator open("/proc/self/fd", error);
  if (!error)  // one of them is the iterator's own
    text.gauge("process_open_fds", "Number of open file descriptors.",
               static_cast<double>(std::distance(begin(open), end(open)) - 1));
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    text.gauge("process_max_fds", "Maximum number of open file descriptors.",
               static_cast<double>(limit.rlim_cur));
}

}  // namespace sextant::agent
