// A Prometheus server of the test's own, in a network namespace, and samples as it and /metrics
// tell them.
#pragma once

#include <sys/types.h>

#include <boost/json/value.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"

namespace sextant::metrics {

/// By name and labels, sorted: sextant_dropped_packets_total{reason="pod_spoofed"}.
using Samples = std::map<std::string, double>;

/// Of the text format, without process_* and the buckets of histograms.
[[nodiscard]] Samples read_text(const std::string& text);

class Prometheus {
 public:
  /// Starts it in `netns` with the configuration, and waits until it is ready. Its files go to
  /// `directory`.
  [[nodiscard]] static Result<Prometheus> start(const std::string& netns,
                                                const std::filesystem::path& directory,
                                                const std::string& configuration);
  ~Prometheus();
  Prometheus(Prometheus&& other) noexcept;
  Prometheus& operator=(Prometheus&&) = delete;

  /// GET of its HTTP API; the parsed body. Error: not "success".
  [[nodiscard]] Result<boost::json::value> get(const std::string& target) const;
  /// An instant query: `result`.
  [[nodiscard]] Result<boost::json::value> query(const std::string& expression) const;
  /// An instant query's samples, without the labels of the target.
  [[nodiscard]] Result<Samples> samples(const std::string& expression) const;

 private:
  Prometheus(std::string netns, pid_t process) : netns_(std::move(netns)), process_(process) {}
  std::string netns_;
  pid_t process_ = 0;
};

}  // namespace sextant::metrics
