#include "common/process.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace sextant::bench {
namespace {

namespace fs = std::filesystem;

double megabytes(pid_t process, const std::string& field) {
  std::ifstream file(fmt::format("/proc/{}/status", process));
  for (std::string word; file >> word;) {
    double kibibytes = 0;
    if (word == field && file >> kibibytes) return kibibytes * 1024 / 1'000'000;
  }
  throw std::runtime_error(fmt::format("process {} has ended", process));
}

}  // namespace

double processor_seconds(pid_t process) {
  double nanoseconds = 0;
  for (const auto& thread : fs::directory_iterator(fmt::format("/proc/{}/task", process))) {
    std::ifstream file(thread.path() / "schedstat");
    double time = 0;
    if (file >> time) nanoseconds += time;
  }
  return nanoseconds / 1e9;
}

double resident_megabytes(pid_t process) { return megabytes(process, "VmRSS:"); }
double peak_megabytes(pid_t process) { return megabytes(process, "VmHWM:"); }

}  // namespace sextant::bench
