// BGP-LS: routes where the first byte is even, else a BGP-LS attribute's value.
#include <cstddef>
#include <cstdint>
#include <span>

#include "bgp/wire/link_state_policy.h"
#include "require.h"

using namespace sextant;
using namespace sextant::bgp;

namespace {

void read_routes(std::span<const std::uint8_t> bytes) {
  LinkStateNlriCursor cursor(bytes);
  for (std::span<const std::uint8_t> one; cursor.next(one);) {
    (void)LinkStateNlri{{one.begin(), one.end()}}.to_string();
    const auto path = decode_policy_path(one);
    if (!path) continue;
    const auto again = decode_policy_path(encode(*path).bytes);
    fuzz::require(again && *again == *path, "the path reads back");
  }
}

void read_attribute(std::span<const std::uint8_t> value) {
  const auto state = decode_policy_path_state(value);
  fuzz::require(state.has_value() == link_state_attribute_fault(value).empty(), "one judgement");
  if (!state) return;
  // Long texts are cut once.
  const auto cut = decode_policy_path_state(encode(*state));
  fuzz::require(cut && cut->flags == state->flags && cut->lists == state->lists,
                "the state reads back");
  const auto again = decode_policy_path_state(encode(*cut));
  fuzz::require(again && *again == *cut, "and stays as it is");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::span<const std::uint8_t> rest(data + 1, size - 1);
  if (data[0] % 2 == 0) {
    read_routes(rest);
  } else {
    read_attribute(rest);
  }
  return 0;
}
