// The Prefix-SID attribute. The first three bytes are the route's label field.
#include <cstddef>
#include <cstdint>

#include "bgp/wire/prefix_sid.h"
#include "require.h"

using namespace sextant;
using namespace sextant::bgp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const auto label = static_cast<std::uint32_t>(data[0] << 16 | data[1] << 8 | data[2]);
  const auto prefix_sid = decode_prefix_sid({data + 3, size - 3});
  if (!prefix_sid) return 0;
  for (const auto& sid : prefix_sid->l3_services) {
    const auto full = full_sid(sid, label);
    fuzz::require(full.has_value(), "a structure that was accepted makes a SID");
    fuzz::require(sid.transposition.length != 0 || *full == sid.sid, "nothing transposed is whole");
  }
  // Sub-TLVs that are not known are the attribute's, which is passed on as it came.
  const auto again = decode_prefix_sid(encode(*prefix_sid));
  fuzz::require(again && *again == *prefix_sid, "the attribute reads back");
  return 0;
}
