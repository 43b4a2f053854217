// The data planes that the suite tests: add yours to dataplanes.cpp.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "dataplane/dataplane.h"

namespace sextant::conformance {

struct DataplaneUnderTest {
  std::string name;
  /// Called on a thread inside the node's network namespace, as are all members of what it makes.
  std::function<Result<std::unique_ptr<dataplane::Dataplane>>()> make;
  /// Controls only. False: packets cross the underlay as they are, routed by it.
  bool encapsulates = true;
  bool counts_paths = true;
};

/// Those of the product, or the controls that the environment variable SEXTANT_CONFORMANCE names
/// (see control_dataplane.h), which show that the tests themselves work.
[[nodiscard]] std::vector<DataplaneUnderTest> dataplanes_under_test();

/// One run of a scenario.
struct Case {
  DataplaneUnderTest dataplane;
  Family family = Family::kIpv6;  // of the pods' packets
};

/// "linux_IPv4"
[[nodiscard]] std::string name_of(const Case& value);
inline void PrintTo(const Case& value, std::ostream* out) { *out << name_of(value); }

/// Every data plane with both families.
[[nodiscard]] std::vector<Case> all_cases();
/// Every data plane once (with IPv6), for scenarios that mix the families.
[[nodiscard]] std::vector<Case> dataplane_cases();

}  // namespace sextant::conformance
