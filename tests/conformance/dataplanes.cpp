#include "dataplanes.h"

#include <cstdlib>

#include "control_dataplane.h"
#include "dataplane/linux/linux_dataplane.h"
#include "lab.h"

namespace sextant::conformance {

std::vector<DataplaneUnderTest> dataplanes_under_test() {
  const char* const control = std::getenv("SEXTANT_CONFORMANCE");
  if (control != nullptr) return {control_dataplane(control)};
  const auto linux = [](bool fast_path) {
    return [fast_path] {
      return dataplane::make_linux_dataplane(
          {.max_segments = kMaxSegments, .fast_path = fast_path});
    };
  };
  return {{.name = "linux", .make = linux(true)},
          {.name = "linux_without_bpf", .make = linux(false), .counts_paths = false}};
}

std::string name_of(const Case& value) {
  return value.dataplane.name + "_" + std::string(to_string(value.family));
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const DataplaneUnderTest& dataplane : dataplanes_under_test()) {
    cases.push_back({dataplane, Family::kIpv4});
    cases.push_back({dataplane, Family::kIpv6});
  }
  return cases;
}

std::vector<Case> dataplane_cases() {
  std::vector<Case> cases;
  for (const DataplaneUnderTest& dataplane : dataplanes_under_test()) {
    cases.push_back({dataplane, Family::kIpv6});
  }
  return cases;
}

}  // namespace sextant::conformance
