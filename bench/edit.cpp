// Policy edits: from the file to the first packet on the new path, and what is lost meanwhile.
//
// bench-edit [EDITS]: 1000 where not given; two streams of 10,000 packets a second, one a family.
// Exit status 1 where a packet was lost or the median of a family is over 20 ms.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "e2e/edit_times.h"
#include "e2e/lab.h"

namespace {

constexpr int kEdits = 1000;
constexpr std::uint32_t kPacketsPerSecond = 10'000;
constexpr std::chrono::milliseconds kMedianAtMost{20};

int fail(const sextant::Error& error) {
  std::cerr << "bench-edit: " << error.message() << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  using sextant::Family;
  const int edits = argc > 1 ? std::atoi(argv[1]) : kEdits;
  if (edits <= 0) {
    std::cerr << "bench-edit: '" << argv[1] << "' is no number of edits\n";
    return 1;
  }
  auto lab = sextant::e2e::Lab::start();
  if (!lab) return fail(lab.error());
  auto four = (*lab)->stream(Family::kIpv4, kPacketsPerSecond);
  if (!four) return fail(four.error());
  auto six = (*lab)->stream(Family::kIpv6, kPacketsPerSecond);
  if (!six) return fail(six.error());
  const auto times = sextant::e2e::measure_edits(**lab, edits);
  if (!times) return fail(times.error());
  const auto report4 = four->stop();
  const auto report6 = six->stop();
  std::cout << times->to_string() << "\n  IPv4 stream: " << report4.to_string()
            << "\n  IPv6 stream: " << report6.to_string() << '\n';
  const bool good = report4.lossless() && report6.lossless() &&
                    times->ipv4.median <= kMedianAtMost && times->ipv6.median <= kMedianAtMost;
  return good ? 0 : 1;
}
