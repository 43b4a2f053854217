// Who has which address and SID: what turns the numbers of a trace into names.
#pragma once

#include <boost/json/fwd.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "srv6/sid.h"

namespace sextant::cli {

class TraceNames {
 public:
  struct Segment {
    std::string owner;
    std::string behavior;  // "End", "End.DT4"; empty where only the locator is known
  };

  /// From the answer of /v1/nodes; what it does not understand of it is left out.
  static TraceNames from(const boost::json::value& nodes);

  /// The node or router with the address, or in whose pod prefix it lies; empty where none is.
  [[nodiscard]] std::string node(const IpAddress& address) const;
  /// Its owner is empty where nobody is known to have it.
  [[nodiscard]] Segment segment(const srv6::Sid& sid) const;
  [[nodiscard]] std::optional<srv6::Sid> end_sid(const std::string& node) const;

 private:
  std::map<IpAddress, std::string> addresses_;
  std::vector<std::pair<IpPrefix, std::string>> pods_, locators_;
  std::map<srv6::Sid, Segment> segments_;
  std::map<std::string, srv6::Sid> ends_;
};

}  // namespace sextant::cli
